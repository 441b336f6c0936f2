#include "profiler/nsight_join.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

struct TimeUnitRow {
  std::string_view unit;
  double seconds;
};

/// What Nsight Compute calls units of time, in its section and its raw pages.
constexpr std::array kTimeUnits = {
    TimeUnitRow{"ns", 1e-9},      TimeUnitRow{"nsecond", 1e-9}, TimeUnitRow{"us", 1e-6},
    TimeUnitRow{"usecond", 1e-6}, TimeUnitRow{"ms", 1e-3},      TimeUnitRow{"msecond", 1e-3},
    TimeUnitRow{"s", 1},          TimeUnitRow{"second", 1},
};

bool launches_by_expert(std::string_view kernel, std::size_t launches, std::size_t active) {
  if (active == 0 || launches % active != 0) return false;
  if (kernel.empty()) return active > 2;
  return kernel.starts_with("loop") || kernel.starts_with("streams");
}

}  // namespace

std::vector<JoinedKernel> join_experts(std::vector<JoinedKernel> kernels,
                                       const std::vector<std::int64_t>& expert_rows,
                                       std::string_view kernel) {
  std::vector<int> active;
  for (std::size_t expert = 0; expert < expert_rows.size(); ++expert) {
    if (expert_rows[expert] > 0) active.push_back(static_cast<int>(expert));
  }
  if (active.empty()) return kernels;
  const auto total = std::accumulate(expert_rows.begin(), expert_rows.end(), std::int64_t{0});
  const double mean = static_cast<double>(total) / static_cast<double>(expert_rows.size());
  std::map<std::int64_t, std::vector<JoinedKernel*>> by_layer;
  for (auto& one : kernels) {
    if (one.stage == "expert") by_layer[one.layer_index].push_back(&one);
  }
  for (auto& [layer, launches] : by_layer) {
    const bool one_each = launches_by_expert(kernel, launches.size(), active.size());
    for (std::size_t i = 0; i < launches.size(); ++i) {
      if (one_each) {
        launches[i]->expert = active[i / (launches.size() / active.size())];
        launches[i]->rows = expert_rows[static_cast<std::size_t>(launches[i]->expert)];
      } else {
        launches[i]->rows = total;
        launches[i]->max_over_mean =
            static_cast<double>(*std::ranges::max_element(expert_rows)) / mean;
      }
    }
  }
  return kernels;
}

std::vector<JoinedKernel> joinable(const std::vector<NsysKernel>& kernels) {
  std::vector<JoinedKernel> joined;
  for (const auto& kernel : kernels)
    joined.push_back({kernel.layer_index, kernel.stage, kernel.name,
                      1e-9 * static_cast<double>(kernel.end_ns - kernel.begin_ns)});
  return joined;
}

std::vector<JoinedKernel> joinable(const std::vector<NcuValue>& values) {
  std::map<std::int64_t, JoinedKernel> by_id;
  for (const auto& value : values) {
    auto& kernel = by_id[value.kernel_id];
    kernel.name = value.kernel;
    kernel.stage = value.stage;
    if (value.metric != "Duration" && value.metric != "gpu__time_duration.sum") continue;
    const auto unit = std::ranges::find(kTimeUnits, value.unit, &TimeUnitRow::unit);
    if (unit == kTimeUnits.end())
      throw InputError(fmt::format(
          "the duration of kernel {} is in '{}', which is not known (known: ns, us, ms, s)",
          value.kernel_id, value.unit));
    kernel.seconds = value.value * unit->seconds;
  }
  std::vector<JoinedKernel> kernels;
  for (auto& [id, kernel] : by_id) kernels.push_back(std::move(kernel));
  return kernels;
}

}  // namespace hotexpert
