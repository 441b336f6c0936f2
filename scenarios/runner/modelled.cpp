#include "scenarios/runner/modelled.hpp"

#include <fmt/format.h>

#include "profiler/clock.hpp"
#include "profiler/machine_witness.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/device_file.hpp"
#include "sim/model/predict.hpp"

namespace hotexpert {

bool is_modelled(const LayerBackend& backend) {
  return backend.info().provenance == Provenance::kModelled;
}

MeasureResult time_arms(const std::vector<Arm>& arms, const PointSpec& spec,
                        const LayerBackend& backend) {
  if (!is_modelled(backend)) {
    SteadyClock clock;
    SystemWitness witness;
    MeasureOptions options = measure_options(spec);
    if (spec.backend == "cpu") options.witness = &witness;  // a device has a clock of its own
    return measure(arms, options, clock);
  }
  MeasureResult result;
  for (const auto& arm : arms) result.arms.push_back({arm.name, {arm.run()}, {}});
  return result;
}

void add_model_details(const PointSpec& spec, const DispatchPlan& plan, const BackendInfo& info,
                       PointResult& result) {
  const DeviceDescription device = read_device(spec.device);
  const LayerCost cost = slowest_rank_cost(plan, spec.shape, spec.kernel, device);
  const auto add = [&](std::string metric, double seconds) {
    result.measurements.push_back({std::move(metric), seconds, Provenance::kModelled});
  };
  add("layer.launch_s", cost.launch_s);
  add("layer.memory_s", cost.memory_s);
  add("layer.math_s", cost.math_s);
  add("layer.elementwise_s", cost.elementwise_s);
  if (const auto price = skew_price(plan, spec.shape, spec.kernel, device)) {
    add("layer.skew_price_s", price->seconds);
    if (price->error95) {
      result.measurements.back().ci95 =
          Interval{price->seconds - *price->error95, price->seconds + *price->error95};
    }
  }
  if (info.held_out_error) {
    result.measurements.push_back(
        {"layer.model_error", *info.held_out_error, Provenance::kMeasured});
  } else {
    result.warnings.push_back(
        fmt::format("The model of this device was never compared with a measurement ({}): trust "
                    "its ratios before its times.",
                    info.device));
  }
}

}  // namespace hotexpert
