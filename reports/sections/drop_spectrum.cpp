#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kShares = "drop.spectrum";
constexpr std::string_view kRows = "drop.spectrum_rows";
constexpr std::string_view kFloor = "drop.spectrum_floor";
constexpr std::string_view kMeanLoad = "load.mean";
constexpr double kFew = 0.01;

/// The spectrum of one point: shares are [mean, p50, p95, p99, max][capacity].
struct Spectrum {
  Series rows;
  Series shares;
  Series floor;
  double mean_load = 0;

  [[nodiscard]] std::size_t size() const { return rows.values.size(); }
  [[nodiscard]] double factor(std::size_t i) const {
    return mean_load > 0 ? rows.values[i] / mean_load : 0;
  }
  [[nodiscard]] double share(std::size_t statistic, std::size_t i) const {
    return shares.values[statistic * size() + i];
  }
};

std::optional<Spectrum> spectrum_of(const Comparison& comparison, std::size_t point) {
  auto rows = read_series(comparison, point, kRows);
  auto shares = read_series(comparison, point, kShares);
  auto floor = read_series(comparison, point, kFloor);
  if (!rows || !shares || !floor) return std::nullopt;
  const std::size_t size = rows->values.size();
  if (shares->values.size() != 5 * size || floor->values.size() != size) return std::nullopt;
  return Spectrum{std::move(*rows), std::move(*shares), std::move(*floor),
                  comparison.points[point].result.find(kMeanLoad)->value};
}

ViewSpec view() {
  return {.x = "",
          .lines = {"run", "skew.", "trace.file", "trace.order", "step.tokens"},
          .metrics = {kMeanLoad},
          .series = {kShares, kRows, kFloor}};
}

Table table(const Comparison& comparison, const View& view) {
  Table out{"Dropped share at every capacity: over steps and layers, and of a perfect router",
            {{"line", false},
             {"capacity, rows", true},
             {"capacity over mean load", true},
             {"mean, %", true},
             {"p50, %", true},
             {"p95, %", true},
             {"p99, %", true},
             {"largest, %", true},
             {"uniform router, %", true}},
            {},
            0};
  for (const auto& line : view.lines) {
    const auto spectrum = spectrum_of(comparison, line.points.front());
    if (!spectrum) continue;
    for (std::size_t i = 0; i < spectrum->size(); ++i) {
      Table::Row row{
          kNone,
          {line.label, shortest(spectrum->rows.values[i]), significant(spectrum->factor(i), 4)}};
      for (std::size_t s = 0; s < 5; ++s)
        row.cells.push_back(significant(100 * spectrum->share(s, i), 4));
      row.cells.push_back(significant(100 * spectrum->floor.values[i], 4));
      if (out.rows.size() < kMaxTableRows) {
        out.rows.push_back(std::move(row));
      } else {
        ++out.left_out;
      }
    }
  }
  return out;
}

/// The smallest drawn capacity whose mean drops are at most kFew.
std::size_t first_with_few(const Spectrum& spectrum, bool floor) {
  for (std::size_t i = 0; i < spectrum.size(); ++i) {
    if ((floor ? spectrum.floor.values[i] : spectrum.share(0, i)) <= kFew) return i;
  }
  return spectrum.size() - 1;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  for (const auto& line : view.lines) {
    const auto spectrum = spectrum_of(comparison, line.points.front());
    if (!spectrum || spectrum->size() == 0) continue;
    const std::size_t observed = first_with_few(*spectrum, false);
    const std::size_t ideal = first_with_few(*spectrum, true);
    const std::string named = line.label.empty() ? "" : " with " + code_name(line.label);
    out.push_back(
        {"drop-spectrum", times(spectrum->factor(observed)),
         fmt::format("To drop at most {} on average{} a capacity must be {} the mean "
                     "load; a perfectly uniform router would need {}. In the worst step "
                     "it still drops {}.",
                     percent(kFew), named, times(spectrum->factor(observed)),
                     times(spectrum->factor(ideal)), percent(spectrum->share(4, observed)))});
  }
}

}  // namespace

const ReportSection kDropSpectrum = {
    .id = "drop-spectrum",
    .group = SectionGroup::kDrops,
    .title = "Drop spectrum: every capacity at once",
    .how_to_read =
        "Share of assignments dropped at each capacity, in units of the mean load (a capacity "
        "factor before a framework rounds it). The mean over steps and layers, the step that only "
        "5 % exceed, and the worst. Dashed: a perfectly uniform router; what lies above it is what "
        "balancing token by token can win.",
    .view = view,
    .table = table,
    .findings = say,
    .series =
        [] {
          return std::vector<SeriesRequest>{{kShares}, {kRows}, {kFloor}};
        },
};

}  // namespace hotexpert
