#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/number_format.hpp"
#include "reports/sections/lab_groups.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kLoss = "train.task_loss";
constexpr double kBalanced = 1.3;     ///< wanted: max/mean load at most this
constexpr double kLossMargin = 1.01;  ///< at most 1 % above the best loss

ViewSpec view() { return lab_view({kSkew}); }

Table table(const Comparison& comparison, const View& view) {
  return lab_table(
      comparison, view, "Balance and task loss of each method and weight",
      {kSkew, "train.max_vio", kLoss, "load.dead_experts", "train.starved_share",
       "train.specialization_share", "train.output_similarity", "train.grad_norm_ratio",
       "train.balance_to_task_gradient", "train.loss_hacked_share", "train.router_entropy",
       "drop.assignment_fraction@1.25", "drop.floor_fraction@1.25"});
}

struct Scored {
  const LabGroup* group;
  SeedMean skew;
  SeedMean loss;
};

std::vector<Scored> scored(const Comparison& comparison, const std::vector<LabGroup>& groups) {
  std::vector<Scored> out;
  for (const auto& group : groups) {
    const auto skew = seed_mean(comparison, group, kSkew);
    const auto loss = seed_mean(comparison, group, kLoss);
    if (skew && loss) out.push_back({&group, *skew, *loss});
  }
  return out;
}

std::string seeds_of(const LabGroup& group) {
  return group.points.size() == 1 ? "one seed" : fmt::format("{} seeds", group.points.size());
}

/// Value and interval over seeds: "1.21 (1.15 to 1.27)".
std::string text_of(const SeedMean& mean) {
  if (!mean.ci95) return significant(mean.value);
  return fmt::format("{} ({} to {})", significant(mean.value), significant(mean.ci95->low),
                     significant(mean.ci95->high));
}

/// Within the wanted balance, by the upper end of its interval where there are several seeds.
bool is_balanced(const Scored& one) {
  return (one.skew.ci95 ? one.skew.ci95->high : one.skew.value) <= kBalanced;
}

void say_unbalanced(const std::vector<Scored>& all, std::vector<Finding>& out) {
  for (const auto& one : all) {
    if (one.group->method != "none") continue;
    out.push_back({"balance-by-weight", times(one.skew.value),
                   fmt::format("Without balancing the hottest expert gets {} the mean load at "
                               "the end of training, {} to {} over {}.",
                               times(one.skew.value), times(one.skew.range.low),
                               times(one.skew.range.high), seeds_of(*one.group))});
    return;
  }
}

/// One sentence a method: its smallest weight that is balanced and costs no loss; or why none is.
void say_choice(const std::vector<Scored>& all, std::vector<Finding>& out) {
  const auto best = std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.loss.value < b.loss.value;
  });
  std::map<std::string, std::vector<const Scored*>> by_method;
  for (const auto& one : all) {
    if (one.group->weight) by_method[one.group->method].push_back(&one);
  }
  for (const auto& [method, weights] : by_method) {
    if (weights.size() < 2) continue;
    const auto found = std::find_if(weights.begin(), weights.end(), [&](const auto* one) {
      return is_balanced(*one) && one->loss.value <= kLossMargin * best->loss.value;
    });
    if (found != weights.end()) {
      const auto& one = **found;
      out.push_back(
          {"balance-by-weight", shortest(*one.group->weight),
           fmt::format("With {} the smallest weight tried that brings max/mean load to at most {} "
                       "within 1 % of the best loss is {}: max/mean {}, loss {}, over {}.",
                       code_name(method), kBalanced, shortest(*one.group->weight),
                       text_of(one.skew), text_of(one.loss), seeds_of(*one.group))});
      continue;
    }
    const auto* cheapest = *std::min_element(
        weights.begin(), weights.end(),
        [](const auto* a, const auto* b) { return a->skew.value < b->skew.value; });
    out.push_back(
        {"balance-by-weight", times(cheapest->skew.value),
         fmt::format("No weight of {} tried brings max/mean load to at most {} within 1 % of the "
                     "best loss; most balanced is {}: max/mean {}, loss {}.",
                     code_name(method), kBalanced, shortest(*cheapest->group->weight),
                     text_of(cheapest->skew),
                     cheapest == &*best ? "the best of all"
                                        : significant(cheapest->loss.value / best->loss.value, 4) +
                                              " times the best")});
  }
}

void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto groups = lab_groups(comparison, view);
  const auto all = scored(comparison, groups);
  if (all.empty()) return;
  say_unbalanced(all, out);
  say_choice(all, out);
}

}  // namespace

const ReportSection kBalanceByWeight = {
    .id = "balance-by-weight",
    .group = SectionGroup::kBalance,
    .title = "Balance and task loss against the balancing weight",
    .how_to_read =
        "Max/mean load and task loss of trained routers on held-out tokens, mean and 95 % interval "
        "over seeds, cut where the quantity ends (load 1, loss 0). Dashed: methods without a "
        "weight. A weight means nothing without its "
        "convention: the same number is k times as strong in mixtral-hf as in megatron.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
