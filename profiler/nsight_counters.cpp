#include "profiler/nsight_counters.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace hotexpert {
namespace {

struct UnitRow {
  std::string_view unit;
  double factor;  ///< to seconds, bytes or a fraction
};

constexpr std::array kUnits = {
    UnitRow{"ns", 1e-9}, UnitRow{"nsecond", 1e-9}, UnitRow{"us", 1e-6},   UnitRow{"usecond", 1e-6},
    UnitRow{"ms", 1e-3}, UnitRow{"msecond", 1e-3}, UnitRow{"s", 1},       UnitRow{"second", 1},
    UnitRow{"byte", 1},  UnitRow{"Kbyte", 1e3},    UnitRow{"Mbyte", 1e6}, UnitRow{"Gbyte", 1e9},
    UnitRow{"%", 0.01},  UnitRow{"cycle", 1},      UnitRow{"", 1},
};

/// The metrics of one kernel, in SI units; those of unknown units are left out.
using KernelMetrics = std::map<std::string, double>;

std::map<std::int64_t, KernelMetrics> by_kernel(const std::vector<NcuValue>& values) {
  const bool has_ranges =
      std::ranges::any_of(values, [](const auto& value) { return !value.stage.empty(); });
  std::map<std::int64_t, KernelMetrics> kernels;
  for (const auto& value : values) {
    if (has_ranges && value.stage != "expert") continue;
    auto& kernel = kernels[value.kernel_id];
    const auto unit = std::ranges::find(kUnits, value.unit, &UnitRow::unit);
    if (unit != kUnits.end()) kernel[value.metric] = value.value * unit->factor;
  }
  return kernels;
}

/// Metrics in the units of CUPTI as in those of Nsight Compute.
std::string_view unit_of(std::string_view metric) {
  if (metric.starts_with("gpu__time_duration")) return "ns";
  return metric.find("pct_of_peak") != std::string_view::npos ? "%" : "";
}

std::optional<double> metric(const KernelMetrics& kernel, const char* name) {
  const auto found = kernel.find(name);
  return found == kernel.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<ExpertCounters> expert_counters(const std::vector<NcuValue>& values) {
  ExpertCounters sum;
  double longest_s = 0;
  double tensor_s = 0;
  bool all_have_tensor = true;
  for (const auto& [id, kernel] : by_kernel(values)) {
    auto seconds = metric(kernel, "gpu__time_duration.sum");
    if (!seconds) seconds = metric(kernel, "Duration");
    const auto bytes = metric(kernel, "dram__bytes.sum");
    if (!seconds || !bytes) return std::nullopt;
    ++sum.kernels;
    sum.seconds += *seconds;
    sum.dram_bytes += *bytes;
    const auto tensor =
        metric(kernel, "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active");
    all_have_tensor = all_have_tensor && tensor;
    tensor_s += tensor.value_or(0) * *seconds;
    const auto most = metric(kernel, "sm__cycles_active.max");
    const auto mean = metric(kernel, "sm__cycles_active.avg");
    if (*seconds > longest_s && most && mean && *mean > 0) sum.busiest_sm_over_mean = *most / *mean;
    longest_s = std::max(longest_s, *seconds);
  }
  if (sum.kernels == 0 || !(sum.seconds > 0)) return std::nullopt;
  if (all_have_tensor) sum.tensor_fraction = tensor_s / sum.seconds;
  return sum;
}

std::optional<ExpertCounters> expert_counters(const CounterBatch& batch) {
  std::vector<NcuValue> values;
  for (const auto& range : batch.ranges) {
    for (const auto& counter : range.values)
      values.push_back({0, range.range, range.range, "", counter.metric,
                        std::string(unit_of(counter.metric)), counter.value});
  }
  return expert_counters(values);
}

}  // namespace hotexpert
