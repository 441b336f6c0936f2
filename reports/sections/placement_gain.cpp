#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/number_format.hpp"
#include "reports/ratio.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "rank.max_over_mean";
constexpr std::string_view kMethod = "placement.method";
constexpr std::string_view kSlots = "placement.slots";
constexpr std::string_view kMove = "place.move_s";
constexpr double kWorth = 0.01;  // a gain whose interval ends below this is not worth the trouble

/// Step time with the network where it is modelled apart, else the layer's time.
const Measurement* step_of(const PointResult& result) {
  const auto* step = result.find("layer.step_s");
  return step != nullptr ? step : result.find("layer.total_s");
}

bool same_but_for_placement(const Comparison& comparison, const ComparedPoint& a,
                            const ComparedPoint& b) {
  for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
    const auto& name = comparison.axes[axis].name;
    if (name == kMethod || name == kSlots) continue;
    if (a.values[axis] != b.values[axis]) return false;
  }
  return true;
}

/// The contiguous placement with the fewest slots that differs from `point` in nothing else.
const ComparedPoint* baseline_of(const Comparison& comparison, const ComparedPoint& point) {
  const ComparedPoint* best = nullptr;
  double fewest = 0;
  for (const auto& other : comparison.points) {
    const Json* method = comparison.value(other, kMethod);
    if (method == nullptr || display(*method) != "contiguous" || step_of(other.result) == nullptr)
      continue;
    if (!same_but_for_placement(comparison, point, other)) continue;
    const Json* slots = comparison.value(other, kSlots);
    const double count = slots != nullptr && slots->is_number() ? slots->as_double() : 0;
    if (best == nullptr || count < fewest) {
      best = &other;
      fewest = count;
    }
  }
  return best;
}

std::string verdict_of(const Ratio& ratio) {
  if (ratio.below(1 - kWorth)) return "faster";
  if (ratio.above(1 + kWorth)) return "slower";
  if (ratio.above(1 - kWorth) && ratio.below(1 + kWorth)) return "no difference";
  return "cannot tell";
}

/// Layers whose weights a placement moved: each saves what the timed one saves.
double layers_of(const PointResult& result) {
  for (const auto& series : result.series) {
    if (series.metric == "rank.load" && series.dims.size() == 2)
      return static_cast<double>(series.shape[0]);
  }
  return 1;
}

/// Steps after which the move from contiguous placement has paid for itself; "" where nothing is
/// won beyond doubt.
std::string pays_back(const ComparedPoint& point, const ComparedPoint& base, const Ratio& ratio) {
  const auto* move = point.result.find(kMove);
  if (move == nullptr || &base == &point || !ratio.below(1 - kWorth)) return "";
  const double saved_s =
      layers_of(point.result) * (step_of(base.result)->value - step_of(point.result)->value);
  return significant(std::ceil(move->value / saved_s), 6);
}

std::string cell(const Json* value) { return value == nullptr ? "" : display(*value); }

Table verdict_table(const Comparison& comparison, const View& view) {
  Table out{"Each placement against contiguous, on the same tokens",
            {{"placement", false},
             {"slots", true},
             {"ranks", true},
             {"max/mean rank load", true},
             {"over lower bound", true},
             {"step time", true},
             {"over contiguous", true},
             {"verdict", false},
             {"weights moved", true},
             {"the move takes", true},
             {"pays back after, steps", true}},
            {},
            0};
  for (const std::size_t i : view.eligible) {
    const auto& point = comparison.points[i];
    const auto* step = step_of(point.result);
    const auto* base = baseline_of(comparison, point);
    if (step == nullptr || base == nullptr) continue;
    if (out.rows.size() == kMaxTableRows) {
      ++out.left_out;
      continue;
    }
    const Ratio ratio = ratio_of(*step, *step_of(base->result));
    const auto number = [&](std::string_view metric) {
      const auto* found = point.result.find(metric);
      return found == nullptr ? std::string() : significant(found->value, 4);
    };
    const auto* moved = point.result.find("place.moved_bytes");
    const auto* move = point.result.find(kMove);
    out.rows.push_back(
        {i,
         {cell(comparison.value(point, kMethod)), cell(comparison.value(point, kSlots)),
          cell(comparison.value(point, "ep.ranks")), number(kSkew),
          number("place.lower_bound_ratio"), with_unit(step->value, "s"),
          times(ratio.value, ratio.ci95), base == &point ? "" : verdict_of(ratio),
          moved == nullptr ? "" : with_unit(moved->value, "bytes"),
          move == nullptr ? "" : with_unit(move->value, "s"), pays_back(point, *base, ratio)}});
  }
  return out;
}

/// "`eplb` with 80 slots"; the slots where they vary.
std::string name_of(const Comparison& comparison, const ComparedPoint& point) {
  const std::string slots = cell(comparison.value(point, kSlots));
  return code_name(cell(comparison.value(point, kMethod))) +
         (slots.empty() ? "" : fmt::format(" with {} slots", slots));
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  std::size_t best = kNone;
  Ratio best_ratio;
  for (const auto& line : view.lines) {
    for (const std::size_t i : line.points) {
      const auto& point = comparison.points[i];
      const auto* base = baseline_of(comparison, point);
      if (base == nullptr || base == &point || step_of(point.result) == nullptr) continue;
      const Ratio ratio = ratio_of(*step_of(point.result), *step_of(base->result));
      if (best != kNone && ratio.value >= best_ratio.value) continue;
      best = i;
      best_ratio = ratio;
    }
  }
  if (best == kNone) return;
  const auto& point = comparison.points[best];
  const std::string name = name_of(comparison, point);
  if (!best_ratio.below(1 - kWorth)) {
    out.push_back(
        {"placement-gain", times(best_ratio.value),
         fmt::format("These times are no reason to rebalance: no placement is beyond doubt "
                     "faster than contiguous; the best, {}, takes {} its time.",
                     name, times(best_ratio.value, best_ratio.ci95))});
    return;
  }
  out.push_back({"placement-gain", times(best_ratio.value),
                 fmt::format("Rebalancing pays: placed by {} on past load a step takes {} the time "
                             "of contiguous placement, at max/mean rank load {}.",
                             name, times(best_ratio.value, best_ratio.ci95),
                             significant(point.result.find(kSkew)->value))});
}

}  // namespace

const ReportSection kPlacementGain = {
    .id = "placement-gain",
    .group = SectionGroup::kRanks,
    .title = "What better placement gains",
    .how_to_read =
        "Step time over max/mean rank load, a line a placement method: how much of the balance "
        "that a placement wins reaches the step. The table gives a verdict a placement against "
        "contiguous, from the 95 % intervals, and charges the move: the steps after which it has "
        "paid for itself (busiest receiver of weights at its link's rate).",
    .view =
        [] {
          return ViewSpec{.x = kSkew,
                          .along = {"skew.", "trace.", kSlots},
                          .lines = {"run", kMethod, "kernel"},
                          .metrics = {kSkew, "layer.total_s", "place.lower_bound_ratio"},
                          .needs = {kMethod}};
        },
    .table = verdict_table,
    .findings = say,
};

const ReportSection kReplicas = {
    .id = "replicas",
    .group = SectionGroup::kRanks,
    .title = "Rank load against replicas",
    .how_to_read =
        "Max/mean rank load over the number of expert slots: what each further copy of a hot "
        "expert wins, counted on steps that the placement had not seen. Slots cost memory "
        "(peak bytes of the hottest rank in the table).",
    .view =
        [] {
          return ViewSpec{.x = kSlots,
                          .along = {kSlots},
                          .lines = {"run", kMethod},
                          .metrics = {kSkew},
                          .needs = {kSlots}};
        },
    .table =
        [](const Comparison& comparison, const View& view) {
          return point_table(comparison, view, "Rank load by slots and placement",
                             {kSkew, "place.lower_bound_ratio", "place.moved_bytes",
                              "rank.peak_bytes", "rank.peak_training_bytes", "layer.step_s"});
        },
};

const ReportSection kRankScaling = {
    .id = "rank-scaling",
    .group = SectionGroup::kRanks,
    .title = "Imbalance tax against ranks",
    .how_to_read =
        "How much longer the slowest rank takes than if loads were equal, over the number of "
        "ranks: "
        "with fewer experts a rank, hot ones have less company to average out with. Bars are 95 % "
        "intervals.",
    .view =
        [] {
          return ViewSpec{.x = "ep.ranks",
                          .along = {"ep.ranks"},
                          .lines = {"run", kMethod, "kernel"},
                          .metrics = {"layer.imbalance_tax"},
                          .needs = {"ep.ranks"}};
        },
    .table =
        [](const Comparison& comparison, const View& view) {
          return point_table(comparison, view, "Scaling over ranks",
                             {"layer.imbalance_tax", kSkew, "layer.total_s", "layer.all_to_all_s",
                              "layer.step_s", "layer.balanced_step_s", "layer.idle_fraction",
                              "model.step_s", "model.imbalance_share"});
        },
};

}  // namespace hotexpert
