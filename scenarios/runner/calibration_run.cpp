#include "scenarios/runner/calibration_run.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

const Json& axis_of(const PointResult& result, std::string_view axis) {
  for (const auto& [name, value] : result.point) {
    if (name == axis) return value;
  }
  throw InputError(fmt::format("a point of the run has no axis '{}'; run the sweep again", axis));
}

LayerShape shape_of(const PointResult& result) {
  const auto whole = [&](std::string_view axis) { return axis_of(result, axis).as_integer(); };
  LayerShape shape;
  shape.num_experts = static_cast<int>(whole("layer.experts"));
  shape.top_k = static_cast<int>(whole("layer.top_k"));
  shape.d_model = whole("layer.d_model");
  shape.d_ff = whole("layer.d_ff");
  shape.num_shared_experts = static_cast<int>(whole("layer.shared_experts"));
  shape.activation = parse_activation(axis_of(result, "layer.activation").as_string());
  shape.dtype = parse_dtype(axis_of(result, "layer.dtype").as_string());
  return shape;
}

std::optional<KernelFamily> law_of(const std::string& kernel) {
  try {
    return kernel_family(kernel);
  } catch (const UsageError&) {
    return std::nullopt;
  }
}

std::optional<double> measured(const PointResult& result, std::string_view metric) {
  const auto* found = result.find(metric);
  if (found == nullptr || found->provenance != Provenance::kMeasured) return std::nullopt;
  return found->value;
}

/// Rows of each expert in the arm whose series this is; empty where the run has none.
std::vector<std::int64_t> rows_of(const Run& run, const PointResult& result,
                                  std::string_view metric) {
  std::vector<std::int64_t> rows;
  for (const auto& series : result.series) {
    if (series.metric != metric) continue;
    for (const double value : series_values(run.dir, series)) rows.push_back(std::llround(value));
  }
  return rows;
}

/// Rows that `padded` gives each expert; 0 where that follows from the loads.
std::int64_t capacity_of(const PointResult& result, const CalibrationSample& sample) {
  const auto* computed = result.find("rows.computed");
  const Json& factor = axis_of(result, "capacity.factor");
  const bool dropless = factor.is_string() && factor.as_string() == "none";
  if (sample.family != KernelFamily::kPadded || dropless || computed == nullptr) return 0;
  const auto shared = static_cast<double>(sample.shape.num_shared_experts * sample.tokens);
  return std::llround((computed->value - shared) / sample.shape.num_experts);
}

/// Threads of the run's points: the value of the `threads` axis, 0 for all.
int threads_of(const Run& run) {
  std::optional<int> threads;
  for (const auto& result : run.points) {
    const Json& value = axis_of(result, "threads");
    const int here = value.is_number() ? static_cast<int>(value.as_integer()) : 0;
    if (threads && *threads != here) {
      throw InputError(run.dir +
                       ": points ran on different numbers of threads; a device file describes one, "
                       "so calibrate them apart");
    }
    threads = here;
  }
  return threads.value_or(0);
}

/// Bytes of the cache of the highest level in an environment record: "32768K".
std::optional<double> last_level_cache(const Json& environment) {
  const Json* processor = environment.find("processor");
  const Json* caches = processor == nullptr ? nullptr : processor->find("caches");
  if (caches == nullptr || !caches->is_array()) return std::nullopt;
  std::int64_t highest = 0;
  std::optional<double> bytes;
  for (const Json& cache : caches->as_array()) {
    const std::int64_t level = cache.at("level").as_integer();
    const std::string& size = cache.at("size").as_string();
    if (level < highest || size.empty()) continue;
    const double unit = size.back() == 'K' ? 1024.0 : size.back() == 'M' ? 1048576.0 : 0.0;
    double number = 0;
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), number);
    if (unit == 0 || error != std::errc() || end == size.data()) continue;
    highest = level;
    bytes = number * unit;
  }
  return bytes;
}

}  // namespace

std::vector<CalibrationSample> calibration_samples(const Run& run) {
  std::vector<CalibrationSample> samples;
  int group = 0;
  for (const auto& result : run.points) {
    const auto total = measured(result, "layer.total_s");
    if (result.outcome != Outcome::kOk || !total) continue;
    if (axis_of(result, "layer.pass") != Json("forward")) continue;
    const auto family = law_of(axis_of(result, "kernel").as_string());
    CalibrationSample sample;
    sample.expert_rows = rows_of(run, result, "load.measured_batch");
    if (!family || sample.expert_rows.empty()) continue;
    sample.shape = shape_of(result);
    sample.family = *family;
    sample.tokens = axis_of(result, "step.tokens").as_integer();
    sample.capacity = capacity_of(result, sample);
    sample.seconds = *total;
    sample.permute_s = measured(result, "layer.permute_s");
    sample.expert_ffn_s = measured(result, "layer.expert_ffn_s");
    sample.combine_s = measured(result, "layer.combine_s");
    sample.group = group;
    samples.push_back(sample);
    if (const auto control = measured(result, "layer.balanced_total_s")) {
      CalibrationSample balanced = sample;
      balanced.expert_rows = rows_of(run, result, "load.balanced_batch");
      balanced.seconds = *control;
      balanced.permute_s = balanced.expert_ffn_s = balanced.combine_s = std::nullopt;
      if (!balanced.expert_rows.empty()) samples.push_back(std::move(balanced));
    }
    ++group;
  }
  return samples;
}

DeviceDescription machine_of(const Run& run, const DeviceDescription& base) {
  DeviceDescription device = base;
  const Json& environment = run.manifest.at("environment");
  const int threads = threads_of(run);
  const Json* openmp = environment.find("openmp");
  if (threads > 0) {
    device.units = threads;
  } else if (openmp != nullptr && openmp->find("threads") != nullptr) {
    device.units = static_cast<int>(openmp->at("threads").as_integer());
  }
  if (const auto bytes = last_level_cache(environment)) device.cache_bytes = *bytes;
  const Json* memory = environment.find("memory");
  if (memory != nullptr && memory->find("total_bytes") != nullptr)
    device.memory_bytes = memory->at("total_bytes").as_double();
  return device;
}

}  // namespace hotexpert
