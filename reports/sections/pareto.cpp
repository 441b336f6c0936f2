#include <fmt/format.h>

#include "reports/number_format.hpp"
#include "reports/sections/lab_groups.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSkew = "load.max_over_mean";
constexpr std::string_view kLoss = "train.task_loss";
constexpr std::string_view kTime = "layer.total_s";

ViewSpec view() {
  ViewSpec spec = lab_view({kSkew});
  spec.needs = {"train.method", "train.weight"};
  return spec;
}

Table table(const Comparison& comparison, const View& view) {
  std::vector<std::string_view> metrics = {kSkew, kLoss};
  std::vector<std::string> owned;
  for (const std::string_view metric : {kTime, std::string_view("layer.imbalance_tax")}) {
    for (auto& name : variants_of(comparison, metric)) owned.push_back(std::move(name));
  }
  metrics.insert(metrics.end(), owned.begin(), owned.end());
  return lab_table(comparison, view, "Balance, task loss and layer time of each method and weight",
                   metrics);
}

/// For each kernel: the slowest and the fastest method's layer, where their intervals are apart.
void say(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto groups = lab_groups(comparison, view);
  for (const auto& metric : variants_of(comparison, kTime)) {
    const LabGroup* fastest = nullptr;
    const LabGroup* slowest = nullptr;
    std::optional<SeedMean> least;
    std::optional<SeedMean> most;
    for (const auto& group : groups) {
      const auto time = seed_mean(comparison, group, metric);
      if (!time || !time->ci95) continue;
      if (!least || time->value < least->value) {
        least = time;
        fastest = &group;
      }
      if (!most || time->value > most->value) {
        most = time;
        slowest = &group;
      }
    }
    if (fastest == nullptr || !(most->ci95->low > least->ci95->high)) continue;
    const auto skew_of = [&](const LabGroup& group) {
      return significant(seed_mean(comparison, group, kSkew)->value);
    };
    out.push_back(
        {"pareto", times(most->value / least->value),
         fmt::format("On the kernel {} the layer of {} (max/mean {}) takes {} as long as "
                     "that of {} (max/mean {}).",
                     code_name(metric.substr(kTime.size() + 1)), code_name(slowest->name()),
                     skew_of(*slowest), times(most->value / least->value),
                     code_name(fastest->name()), skew_of(*fastest))});
  }
}

}  // namespace

const ReportSection kPareto = {
    .id = "pareto",
    .group = SectionGroup::kBalance,
    .title = "What balance costs: task loss, max/mean load, layer time",
    .how_to_read =
        "A point is a method at one weight, mean over seeds; bars are 95 % intervals over seeds. "
        "Low and left is good. The first panel is what balance costs in quality, the others what "
        "imbalance costs in time on each kernel, whose layer was timed with the trained router's "
        "own routing.",
    .view = view,
    .table = table,
    .findings = say,
};

}  // namespace hotexpert
