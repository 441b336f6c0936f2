#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kTokens = "step.tokens";
constexpr std::string_view kSkew = "skew";
constexpr std::string_view kTotal = "layer.total_s";
constexpr std::string_view kBalanced = "layer.balanced_total_s";
constexpr std::string_view kTax = "layer.imbalance_tax";
constexpr std::string_view kPrice = "layer.skew_price_s";
constexpr std::string_view kCauses = "price.cause_s";
constexpr std::array<std::string_view, 5> kCauseNames = {"launch", "weight bytes", "math", "rows",
                                                         "straggler"};

ViewSpec map_view() {
  return {.x = kTokens,
          .along = {kTokens, kSkew},
          .metrics = {kTotal, kBalanced, kTax},
          .series = {kCauses},
          .needs = {kTokens}};
}

ViewSpec price_view() {
  return {.x = kTokens,
          .lines = {"run", kSkew},
          .metrics = {kPrice, kTax},
          .series = {kCauses},
          .needs = {kTokens}};
}

double value_of(const Comparison& comparison, std::size_t point, std::string_view metric) {
  return comparison.points[point].result.find(metric)->value;
}

/// What binds a cell, and how many of its seconds that is.
struct Binding {
  std::string_view name;
  double seconds = 0;
};

Binding binding_of(const Comparison& comparison, std::size_t point) {
  const auto causes = read_series(comparison, point, kCauses);
  Binding most{"", 0};
  for (std::size_t i = 0; causes && i < std::min(causes->values.size(), kCauseNames.size()); ++i) {
    if (most.name.empty() || causes->values[i] > most.seconds)
      most = {kCauseNames[i], causes->values[i]};
  }
  return most;
}

std::string shown(double value) { return value == value ? significant(value, 6) : ""; }

Table map_table(const Comparison& comparison, const View& view) {
  Table out{"What binds each number of tokens and skew",
            {{"tokens", true},
             {"max/mean load", true},
             {"layer time", true},
             {"balanced", true},
             {"over balanced", true},
             {"what binds", false},
             {"its time", true}},
            {},
            0};
  for (const std::size_t i : view.eligible) {
    if (out.rows.size() == kMaxTableRows) {
      ++out.left_out;
      continue;
    }
    const auto& point = comparison.points[i];
    const Binding binding = binding_of(comparison, i);
    out.rows.push_back({i,
                        {shown(x_of(point, kTokens)), shown(x_of(point, kSkew)),
                         with_unit(value_of(comparison, i, kTotal), "s"),
                         with_unit(value_of(comparison, i, kBalanced), "s"),
                         times(1 + value_of(comparison, i, kTax)), std::string(binding.name),
                         with_unit(binding.seconds, "s")}});
  }
  return out;
}

/// Points of the focus by skew, by rising tokens.
std::map<double, std::vector<std::size_t>> by_skew(const Comparison& comparison, const View& view) {
  std::map<double, std::vector<std::size_t>> rows;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) rows[x_of(comparison.points[i], kSkew)].push_back(i);
  }
  return rows;
}

/// The largest number of tokens up to which, without a gap, balanced loads are the slower ones.
std::optional<std::size_t> crossover(const Comparison& comparison,
                                     const std::vector<std::size_t>& points) {
  std::optional<std::size_t> last;
  for (const std::size_t i : points) {
    if (value_of(comparison, i, kTax) >= 0) break;
    last = i;
  }
  return last;
}

void say_map(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto rows = by_skew(comparison, view);
  if (rows.empty()) return;
  const auto& [skew, points] = *rows.rbegin();
  if (const auto last = crossover(comparison, points)) {
    const std::string tokens = shown(x_of(comparison.points[*last], kTokens));
    out.push_back({"regime-map", tokens,
                   fmt::format("Up to {} tokens a step the model has balanced loads slower than "
                               "max/mean {}: fewer active experts, fewer weights to read.",
                               tokens, shown(skew))});
  }
  std::string bound;
  std::string_view before;
  std::string from;
  for (const std::size_t i : points) {
    const auto name = binding_of(comparison, i).name;
    if (name == before) continue;
    before = name;
    from = shown(x_of(comparison.points[i], kTokens));
    bound += fmt::format("{}{} from {} tokens", bound.empty() ? "" : ", ", name, from);
  }
  out.push_back({"regime-map", from,
                 fmt::format("What binds at max/mean {}: {} (modelled).", shown(skew), bound)});
}

void say_price(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const Line* steepest = nullptr;
  for (const auto& line : view.lines) {
    if (line.points.empty()) continue;
    if (steepest == nullptr || value_of(comparison, line.points.back(), kPrice) >
                                   value_of(comparison, steepest->points.back(), kPrice))
      steepest = &line;
  }
  if (steepest == nullptr) return;
  const auto& point = comparison.points[steepest->points.back()];
  const auto& price = *point.result.find(kPrice);
  const std::string where = fmt::format("At {} tokens and max/mean {}", shown(x_of(point, kTokens)),
                                        shown(x_of(point, kSkew)));
  if (!price.ci95) {
    out.push_back({"price-list", with_unit(price.value, "s"),
                   fmt::format("{} one more percent of max/mean costs {}, on a device whose model "
                               "was never compared with a measurement.",
                               where, with_unit(price.value, "s"))});
    return;
  }
  const double error = (price.ci95->high - price.ci95->low) / 2;
  const bool certain = price.ci95->low > 0 || price.ci95->high < 0;
  out.push_back({"price-list", with_unit(price.value, "s"),
                 fmt::format("{} one more percent of max/mean costs {} ± {}{}.", where,
                             with_unit(price.value, "s"), with_unit(error, "s"),
                             certain ? "" : ": no price beyond doubt")});
}

}  // namespace

const ReportSection kRegimeMap = {
    .id = "regime-map",
    .group = SectionGroup::kModel,
    .title = "Regime map: what binds, by tokens and skew",
    .how_to_read =
        "Each cell is a number of tokens and an expected max/mean load, coloured by what takes "
        "most of the time: launches, reading weights, math or moving rows of the balanced pass, or "
        "what the most loaded rank takes beyond it (straggler). The number is time over balanced "
        "time; a dashed frame marks cells where balanced loads are slower. All modelled.",
    .view = map_view,
    .table = map_table,
    .findings = say_map,
    .series = [] { return std::vector{SeriesRequest{.metric = kCauses}}; },
};

const ReportSection kPriceList = {
    .id = "price-list",
    .group = SectionGroup::kModel,
    .title = "Price list: what one more percent of max/mean costs",
    .how_to_read =
        "Left, time over balanced time; right, seconds for one more percent of max/mean load, a "
        "line a skew, dashed because modelled. Bars are 95 % intervals: the spread of the fitted "
        "constants and what the law got wrong on pairs of loads that it was not fitted to.",
    .view = price_view,
    .table =
        [](const Comparison& comparison, const View& view) {
          return point_table(comparison, view, "Sensitivity to skew, by tokens",
                             {kTotal, kBalanced, kTax, kPrice});
        },
    .findings = say_price,
    .series = [] { return std::vector{SeriesRequest{.metric = kCauses}}; },
};

}  // namespace hotexpert
