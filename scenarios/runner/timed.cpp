#include "scenarios/runner/timed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/layer_measurements.hpp"
#include "profiler/layer_step.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/modelled.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/timed_ranks.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
std::string BackendPool::resolve(const std::string& name) {
  if (name != "auto") return name;
  for (const auto& row : layer_backends()) {
    if (row.name == "cuda" && row.make({})->info().unavailable.empty()) return "cuda";
  }
  return "cpu";
}

LayerBackend& BackendPool::get(const std::string& name, int threads, const std::string& device,
                               LayerPass pass) {
  auto& backend =
      backends_[fmt::format("{}/{}/{}/{}", name, threads, device, hotexpert::name(pass))];
  if (!backend) {
    BackendOptions options{threads > 0 ? threads : available_threads(), {}, pass};
    if (!device.empty()) options.device = read_device(device);
    backend = find_row(layer_backends(), "backend", name).make(options);
    const auto info = backend->info();
    if (!info.unavailable.empty())
      throw DeviceError(fmt::format("backend '{}': {}", name, info.unavailable));
  }
  return *backend;
}

PreparedLayer& BackendPool::prepare(LayerBackend& backend, const PointSpec& spec,
                                    const LayerShape& shape, int num_physical) {
  const auto& s = shape;
  const std::string kernel = fmt::format(
      "{}/{}/{}/{}/{}/{}/{}/{}/{}/{}", spec.backend, spec.device, spec.threads, spec.kernel,
      name(spec.pass), s.d_model, s.d_ff, name(s.activation), name(s.dtype), spec.trace.seed);
  if (kernel != prepared_kernel_) prepared_.clear();  // frees the old weights first
  prepared_kernel_ = kernel;
  auto& layer =
      prepared_[fmt::format("{}/{}/{}", num_physical, s.num_experts, s.num_shared_experts)];
  if (!layer) layer = backend.prepare(shape, spec.kernel, num_physical, spec.trace.seed);
  return *layer;
}

namespace {

void time_layer(const PointSpec& spec, const std::vector<PlannedArm>& planned,
                LayerBackend& backend, BackendPool& pool, PointResult& result) {
  PreparedLayer& layer =
      pool.prepare(backend, spec, spec.shape, planned.front().placement.num_physical());
  layer.unload();
  const bool modelled = is_modelled(backend);
  std::vector<Arm> arms;
  double worst_error = 0;
  for (const auto& arm : planned) {
    const int handle = layer.load(arm.plan);
    if (!modelled) {
      layer.run(handle);
      int bad_expert = -1;
      const double error = layer.verify(handle, bad_expert);
      if (!check_error(spec, arm.name, error, bad_expert, result)) return;
      worst_error = std::max(worst_error, error);
    }
    const auto payload = payload_of(arm.plan, arm.layer, spec.kernel, spec.capacity);
    arms.push_back({std::string(arm.name),
                    [&layer, handle, payload] { return run_step(layer, handle, payload); }});
    result.series.push_back(arm_load_series(arm));
  }
  if (!modelled)
    result.measurements.push_back({"kernel.max_relative_error", worst_error, Provenance::kCounted});
  const MeasureResult measured = time_arms(arms, spec, backend);
  for (auto& measurement : to_measurements(measured, backend.info().provenance))
    result.measurements.push_back(std::move(measurement));
  for (const auto& warning : measured.warnings) result.warnings.push_back(warning.text);
  for (auto& measurement : layer.device_measurements())
    result.measurements.push_back(std::move(measurement));
  const auto& plan = planned.front().plan;
  const std::int64_t useful = plan.rows() + plan.tokens * spec.shape.num_shared_experts;
  add_row_metrics(spec, {useful, layer.computed_rows(0), useful}, result);
}

}  // namespace

void time_point(const PointSpec& spec, const RoutingTrace& trace, const Placements& placements,
                const Counted& counted, BackendPool& pool, PointResult& result) {
  if (spec.pass != LayerPass::kForward && spec.parallel.ranks > 1) {
    result.outcome = Outcome::kSkipped;
    result.reason = fmt::format(
        "layer.pass {} is timed on one rank: ranks exchange rows of the forward pass only (use "
        "ep.ranks 1)",
        name(spec.pass));
    return;
  }
  LayerBackend& backend = pool.get(spec.backend, spec.threads, spec.device, spec.pass);
  LayerShape shape = spec.shape;
  if (spec.parallel.ranks > 1) shape = shape_of_rank(spec.shape, placements.of(0));
  if (const auto reason = backend.unsupported(shape, spec.kernel)) {
    result.outcome = Outcome::kSkipped;
    result.reason = *reason;
    return;
  }
  const auto planned = plan_arms(spec, trace, placements, counted);
  try {
    if (spec.parallel.ranks > 1) {
      time_virtual_ranks(spec, placements, counted.load, planned, backend, pool, result);
    } else {
      time_layer(spec, planned, backend, pool, result);
    }
  } catch (const NotEnoughMemory& error) {
    result.outcome = Outcome::kSkipped;
    result.reason = error.what();
  } catch (const DeviceError& error) {
    pool.ask_whether_lost(backend);
    pool.forget();
    result.outcome = Outcome::kFailed;
    result.reason = error.what();
  } catch (const PluginError& error) {
    pool.forget();
    result.outcome = Outcome::kFailed;
    result.reason = error.what();
  }
  if (is_modelled(backend) && result.outcome == Outcome::kOk)
    add_model_details(spec, planned.front().plan, backend.info(), result);
}

}  // namespace hotexpert
