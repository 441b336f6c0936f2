#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "reports/exporters.hpp"
#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/section.hpp"
#include "reports/table_markdown.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

/// "+12.3 % (10.0 to 14.6 %)", or "~" when the interval holds 0 or there is none.
std::string delta(const Measurement& value, const Measurement& base) {
  const Ratio ratio = ratio_of(value, base);
  if (!ratio.above(1) && !ratio.below(1)) return "~";
  return fmt::format("{:+.1f} % ({:+.1f} to {:+.1f})", (ratio.value - 1) * 100,
                     (ratio.ci95->low - 1) * 100, (ratio.ci95->high - 1) * 100);
}

std::string cell(const Measurement& time) {
  std::string out = with_unit(time.value, "s");
  const std::string width = plus_minus(time.value, time.ci95);
  return width.empty() ? out : out + " " + width;
}

/// A row for each value along x, a column for each line; later lines also against the first.
std::string time_table(const Comparison& comparison, const View& view) {
  constexpr std::string_view kTime = "layer.total_s";
  std::vector<std::string> titles = {"max/mean load"};
  std::vector<bool> numeric = {true};
  for (const auto& line : view.lines) {
    const std::string name = line.label.empty() ? "layer time" : markdown_text(line.label);
    titles.push_back(name);
    if (&line != &view.lines.front()) titles.push_back("vs " + markdown_text(view.lines[0].label));
  }
  numeric.resize(titles.size(), true);

  // Points of different lines belong to one row when they agree along x.
  std::map<std::vector<std::size_t>, std::vector<const PointResult*>> rows;
  std::vector<std::vector<std::size_t>> order;
  for (std::size_t l = 0; l < view.lines.size(); ++l) {
    for (const std::size_t i : view.lines[l].points) {
      std::vector<std::size_t> key;
      for (const std::size_t axis : view.along) key.push_back(comparison.points[i].values[axis]);
      auto [where, is_new] = rows.emplace(key, std::vector<const PointResult*>(view.lines.size()));
      if (is_new) order.push_back(key);
      where->second[l] = &comparison.points[i].result;
    }
  }
  std::string out = markdown_row(titles) + markdown_rule(numeric);
  for (const auto& key : order) {
    const auto& results = rows.at(key);
    std::vector<std::string> cells;
    for (const auto* result : results) {
      if (result == nullptr) continue;
      cells.push_back(significant(result->find("load.max_over_mean")->value));
      break;
    }
    for (std::size_t l = 0; l < results.size(); ++l) {
      const auto* time = results[l] == nullptr ? nullptr : results[l]->find(kTime);
      cells.push_back(time == nullptr ? "" : cell(*time));
      if (l == 0) continue;
      const auto* base = results[0] == nullptr ? nullptr : results[0]->find(kTime);
      cells.push_back(time == nullptr || base == nullptr ? "" : delta(*time, *base));
    }
    out += markdown_row(cells);
  }
  return out + "\nMedian ± half the 95 % interval; `~`: the interval of the ratio holds 1.\n";
}

}  // namespace

std::string render_markdown(const Comparison& comparison) {
  std::string out = fmt::format("# {}\n\n", markdown_text(title_of(comparison)));
  for (const auto& finding : findings(comparison)) out += fmt::format("- {}\n", finding.text);
  for (const auto* section : report_sections()) {
    const View view = make_view(comparison, section->view());
    if (view.eligible.empty()) continue;
    out += fmt::format("\n## {}\n\n", section->title);
    const std::string focus = focus_text(comparison, view);
    if (!focus.empty()) out += fmt::format("At {}.\n\n", markdown_text(focus));
    out += section->id == "time-by-skew" ? time_table(comparison, view)
                                         : table_markdown(section->table(comparison, view));
  }
  for (const auto& warning : comparison.warnings)
    out += fmt::format("\n> Warning: {}\n", markdown_text(warning));
  return out;
}

}  // namespace hotexpert
