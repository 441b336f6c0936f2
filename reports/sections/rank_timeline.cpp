#include <fmt/format.h>

#include <algorithm>

#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kTotal = "rank_total_s";
constexpr std::string_view kTax = "layer.imbalance_tax";

/// The shown point with the largest imbalance tax, else the first; kNone without points.
std::size_t most_taxed(const Comparison& comparison, const View& view) {
  std::size_t best = kNone;
  const auto tax = [&](std::size_t i) {
    const auto* found = comparison.points[i].result.find(kTax);
    return found == nullptr ? -1.0 : found->value;
  };
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      if (best == kNone || tax(i) > tax(best)) best = i;
    }
  }
  return best;
}

std::vector<double> values_of(const Comparison& comparison, std::size_t point,
                              std::string_view metric, std::size_t ranks) {
  const auto series = read_series(comparison, point, metric);
  std::vector<double> values = series ? series->values : std::vector<double>();
  values.resize(ranks, 0.0);
  return values;
}

Table table(const Comparison& comparison, const View& view) {
  Table out{"Each rank's time in the point with the largest imbalance tax",
            {{"rank", true},
             {"rows", true},
             {"experts, ms", true},
             {"own work, ms", true},
             {"waits, ms", true},
             {"dispatch, ms", true},
             {"return, ms", true}},
            {},
            0};
  const std::size_t point = most_taxed(comparison, view);
  if (point == kNone) return out;
  const auto total = read_series(comparison, point, kTotal);
  if (!total) return out;
  const std::size_t ranks = total->values.size();
  const auto rows = values_of(comparison, point, "rank_rows", ranks);
  const auto ffn = values_of(comparison, point, "rank_ffn_s", ranks);
  const auto dispatch = values_of(comparison, point, "rank_dispatch_s", ranks);
  const auto back = values_of(comparison, point, "rank_return_s", ranks);
  const double longest = *std::max_element(total->values.begin(), total->values.end());
  const auto ms = [](double seconds) { return significant(seconds * 1e3, 4); };
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    if (out.rows.size() == kMaxTableRows) {
      out.left_out = ranks - kMaxTableRows;
      break;
    }
    out.rows.push_back(
        {kNone,
         {std::to_string(rank), significant(rows[rank], 6), ms(ffn[rank]), ms(total->values[rank]),
          ms(longest - total->values[rank]), ms(dispatch[rank]), ms(back[rank])}});
  }
  return out;
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const std::size_t point = most_taxed(comparison, view);
  if (point == kNone) return;
  const auto& result = comparison.points[point].result;
  const auto* straggler = result.find("rank.straggler");
  const auto* idle = result.find("layer.idle_fraction");
  if (straggler == nullptr || idle == nullptr || idle->value < 0.05) return;
  std::string hot;
  if (const auto experts = read_series(comparison, point, "straggler.hot_experts");
      experts && experts->values.size() >= 2) {
    hot = fmt::format(" (its hottest expert: {}, {} rows)", significant(experts->values[0], 6),
                      significant(experts->values[1], 7));
  }
  out.push_back({"rank-timeline", percent(idle->value),
                 fmt::format("The ranks wait for rank {}{}: on average {} of their expert time is "
                             "idle.",
                             significant(straggler->value, 6), hot, percent(idle->value))});
}

ViewSpec view() {
  return {.x = "",
          .along = {"skew.", "trace.", "kernel", "seed", "ep.", "placement."},
          .series = {kTotal}};
}

std::vector<SeriesRequest> series() {
  std::vector<SeriesRequest> wanted;
  for (const std::string_view metric :
       {kTotal, std::string_view("rank_ffn_s"), std::string_view("rank_rows"),
        std::string_view("rank_dispatch_s"), std::string_view("rank_return_s")})
    wanted.push_back({.metric = metric, .most_of = kTax});
  return wanted;
}

}  // namespace

const ReportSection kRankTimeline = {
    .id = "rank-timeline",
    .group = SectionGroup::kRanks,
    .title = "What each rank does, and waits for",
    .how_to_read =
        "One bar a rank for the point with the largest imbalance tax: the network brings rows, the "
        "rank computes, waits for the slowest, and the network takes rows back. With virtual ranks "
        "the network is modelled (hatched) and everything else measured.",
    .view = view,
    .table = table,
    .findings = say,
    .series = series,
};

}  // namespace hotexpert
