#include <algorithm>
#include <functional>
#include <stdexcept>

#include "profiler/layer_profile.hpp"

namespace hotexpert {
namespace {

/// A run of rows of a plan.
struct RowRun {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

RowRun rows_of_expert(const DispatchPlan& plan, int expert) {
  const auto p = static_cast<std::size_t>(expert);
  return {plan.expert_offsets[p], plan.expert_offsets[p + 1]};
}

/// The plan whose physical expert i computes `runs[i]` of this one.
DispatchPlan with_rows(const DispatchPlan& plan, const std::vector<RowRun>& runs) {
  DispatchPlan out = plan;
  out.num_physical = static_cast<int>(runs.size());
  out.expert_offsets = {0};
  out.source_token.clear();
  out.source_slot.clear();
  out.gate_weight.clear();
  const auto append = [](auto& into, const auto& from, const RowRun& run) {
    if (!from.empty()) into.insert(into.end(), from.begin() + run.begin, from.begin() + run.end);
  };
  for (const auto& run : runs) {
    append(out.source_token, plan.source_token, run);
    append(out.source_slot, plan.source_slot, run);
    append(out.gate_weight, plan.gate_weight, run);
    out.expert_offsets.push_back(static_cast<std::int64_t>(out.source_token.size()));
  }
  return out;
}

}  // namespace

DispatchPlan relabel_by_heat(const DispatchPlan& plan) {
  std::vector<RowRun> runs(static_cast<std::size_t>(plan.num_physical));
  std::vector<std::int64_t> capacity(plan.capacity.size());
  for (int rank = 0; rank < plan.num_ranks; ++rank) {
    std::vector<int> by_heat;
    for (int p = 0; p < plan.num_physical; ++p) {
      if (plan.rank_of_expert[static_cast<std::size_t>(p)] == rank) by_heat.push_back(p);
    }
    std::ranges::stable_sort(by_heat, std::greater{}, [&](int p) { return plan.rows(p); });
    for (std::size_t i = 0; i < by_heat.size(); ++i) {
      const auto to = static_cast<std::size_t>(by_heat[by_heat.size() - 1 - i]);
      runs[to] = rows_of_expert(plan, by_heat[i]);
      if (!capacity.empty()) capacity[to] = plan.capacity[static_cast<std::size_t>(by_heat[i])];
    }
  }
  DispatchPlan out = with_rows(plan, runs);
  out.capacity = std::move(capacity);
  return out;
}

DispatchPlan split_expert(const DispatchPlan& plan, int expert, int copies) {
  if (copies < 2 || expert < 0 || expert >= plan.num_physical)
    throw std::logic_error("split_expert: needs an expert of the plan and 2 copies or more");
  std::vector<RowRun> runs;
  for (int p = 0; p < plan.num_physical; ++p) runs.push_back(rows_of_expert(plan, p));
  const auto split = static_cast<std::size_t>(expert);
  const RowRun all = runs[split];
  const auto cut = [&](int part) { return all.begin + (all.end - all.begin) * part / copies; };
  runs[split] = {cut(0), cut(1)};
  for (int part = 1; part < copies; ++part) runs.push_back({cut(part), cut(part + 1)});
  DispatchPlan out = with_rows(plan, runs);
  out.rank_of_expert.resize(runs.size(), plan.rank_of_expert[split]);
  if (!out.capacity.empty()) out.capacity.resize(runs.size(), plan.capacity[split]);
  return out;
}

}  // namespace hotexpert
