#include "reports/gate/gate_output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/number_format.hpp"
#include "reports/table_markdown.hpp"
#include "reports/text_escape.hpp"
#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {
namespace {

std::string shown(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

std::string unit_of(const GateResult& result) {
  const auto* row = find_metric(result.options.metric);
  return row == nullptr ? "" : std::string(row->unit);
}

std::string case_name(const ComparedPair& pair) {
  std::string name;
  for (const auto& [axis, value] : pair.point)
    name += fmt::format("{}{}={}", name.empty() ? "" : " ", axis, shown(value));
  return name;
}

std::size_t count(const GateResult& result, PairVerdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(result.pairs.begin(), result.pairs.end(),
                    [&](const auto& pair) { return pair.verdict == verdict; }));
}

bool fails(const GateResult& result, const ComparedPair& pair) {
  return result.options.fail_on && pair.verdict == PairVerdict::kSlower &&
         pair.ratio > 1 + *result.options.fail_on;
}

std::string detail(const ComparedPair& pair) {
  return fmt::format("{} {}, adjusted p {} ({})", name(pair.verdict), times(pair.ratio, pair.ci95),
                     significant(pair.adjusted_p, 2), name(pair.test));
}

}  // namespace

std::vector<std::string> gate_sentences(const GateResult& result) {
  std::vector<std::string> out;
  out.push_back(
      fmt::format("{} pairs: {} SLOWER, {} FASTER, {} SAME, {} UNCLEAR; geometric mean {}.",
                  result.pairs.size(), count(result, PairVerdict::kSlower),
                  count(result, PairVerdict::kFaster), count(result, PairVerdict::kSame),
                  count(result, PairVerdict::kUnclear), times(result.ratio)));
  for (const auto& group : result.groups)
    out.push_back(fmt::format("At max/mean load {}: {} the cost of the base.",
                              significant(group.skew), times(group.ratio, group.ci95)));
  for (const auto& regression : result.regressions)
    out.push_back(fmt::format("Regression: {}.", regression));
  out.insert(out.end(), result.notes.begin(), result.notes.end());
  const bool independent =
      std::any_of(result.pairs.begin(), result.pairs.end(),
                  [](const auto& pair) { return pair.test == PairTest::kMannWhitney; });
  if (independent)
    out.emplace_back(
        "The two runs were not measured in turn: the Mann-Whitney test is used, and a "
        "machine that changed between them would look like a change of the code.");
  return out;
}

Table gate_table(const GateResult& result) {
  Table table;
  table.caption = "Base against new, point by point";
  std::vector<std::string> axes;
  for (const auto& pair : result.pairs) {
    for (const auto& [axis, value] : pair.point) {
      if (std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(axis);
    }
  }
  for (const auto& axis : axes) table.columns.push_back({axis, false});
  for (const char* title : {"base", "new", "ratio", "adjusted p"})
    table.columns.push_back({title, true});
  for (const char* title : {"test", "verdict"}) table.columns.push_back({title, false});
  const std::string unit = unit_of(result);
  std::vector<const ComparedPair*> order;
  for (const auto verdict :
       {PairVerdict::kSlower, PairVerdict::kFaster, PairVerdict::kUnclear, PairVerdict::kSame}) {
    for (const auto& pair : result.pairs) {
      if (pair.verdict == verdict) order.push_back(&pair);
    }
  }
  for (const auto* entry : order) {
    const ComparedPair& pair = *entry;
    Table::Row row;
    for (const auto& axis : axes) {
      const auto found = std::find_if(pair.point.begin(), pair.point.end(),
                                      [&](const auto& member) { return member.first == axis; });
      row.cells.push_back(found == pair.point.end() ? "" : shown(found->second));
    }
    row.cells.push_back(with_unit(pair.base, unit));
    row.cells.push_back(with_unit(pair.now, unit));
    row.cells.push_back(pair.verdict == PairVerdict::kUnclear ? "~ " + times(pair.ratio, pair.ci95)
                                                              : times(pair.ratio, pair.ci95));
    row.cells.push_back(significant(pair.adjusted_p, 2));
    row.cells.emplace_back(name(pair.test));
    row.cells.emplace_back(name(pair.verdict));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string gate_markdown(const GateResult& result) {
  std::string out =
      result.regressions.empty() ? "## Comparison\n\n" : "## Comparison: regression\n\n";
  for (const auto& sentence : gate_sentences(result)) out += "- " + markdown_text(sentence) + "\n";
  return out + "\n" + table_markdown(gate_table(result));
}

std::string gate_junit(const GateResult& result) {
  std::size_t failures = 0;
  std::string cases;
  for (const auto& pair : result.pairs) {
    cases += fmt::format("  <testcase classname=\"hotexpert.compare\" name=\"{}\">",
                         html_text(case_name(pair)));
    if (fails(result, pair)) {
      ++failures;
      cases += fmt::format("<failure message=\"{}\"/>", html_text(detail(pair)));
    } else if (pair.verdict == PairVerdict::kUnclear) {
      cases += fmt::format("<skipped message=\"{}\"/>", html_text(detail(pair)));
    } else {
      cases += fmt::format("<system-out>{}</system-out>", html_text(detail(pair)));
    }
    cases += "</testcase>\n";
  }
  // What is no pair's own: a mean at one skew, a point that now fails.
  const std::size_t more =
      result.regressions.size() - std::min(failures, result.regressions.size());
  if (more > 0) {
    ++failures;
    std::string text;
    for (const auto& regression : result.regressions) text += regression + ". ";
    cases += fmt::format(
        "  <testcase classname=\"hotexpert.compare\" name=\"run as a whole\">"
        "<failure message=\"{}\"/></testcase>\n",
        html_text(text));
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"hotexpert compare\" "
      "tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{}</testsuite>\n",
      result.pairs.size() + (more > 0 ? 1 : 0), failures, count(result, PairVerdict::kUnclear),
      cases);
}

Json gate_json(const GateResult& result) {
  Json rows = Json::array();
  for (const auto& pair : result.pairs) {
    Json row = Json::object();
    for (const auto& [axis, value] : pair.point) row.set(axis, value);
    row.set("base", pair.base).set("new", pair.now).set("ratio", pair.ratio);
    row.set("ci95", Json::array_of(std::vector{pair.ci95.low, pair.ci95.high}));
    row.set("p", pair.p_value).set("adjusted_p", pair.adjusted_p).set("test", name(pair.test));
    rows.push(row.set("verdict", name(pair.verdict)));
  }
  Json groups = Json::array();
  for (const auto& group : result.groups) {
    Json entry;
    entry.set("load.max_over_mean", group.skew).set("ratio", group.ratio);
    entry.set("ci95", Json::array_of(std::vector{group.ci95.low, group.ci95.high}));
    groups.push(entry.set("pairs", static_cast<std::int64_t>(group.pairs)));
  }
  Json out;
  out.set("metric", result.options.metric).set("geometric_mean", result.ratio);
  out.set("rows", std::move(rows)).set("groups", std::move(groups));
  out.set("regressions", Json::array_of(result.regressions));
  return out.set("notes", Json::array_of(result.notes));
}

}  // namespace hotexpert
