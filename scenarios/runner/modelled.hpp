#pragma once

#include <vector>

#include "profiler/layer_backend.hpp"
#include "profiler/measure.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// True where the backend computes its times instead of taking them.
bool is_modelled(const LayerBackend& backend);

/// Times the arms: measure() as the point wants it, or one evaluation of each where times are
/// modelled, as a second would be equal.
MeasureResult time_arms(const std::vector<Arm>& arms, const PointSpec& spec,
                        const LayerBackend& backend);

/// What a cost model knows beyond times: what the slowest rank's time is made of (layer.launch_s,
/// memory_s, math_s, elementwise_s), what one more percent of skew costs (layer.skew_price_s), and
/// how far off the model was where it was not fitted (layer.model_error), or a warning that nobody
/// knows.
/// @param plan of the point's own batch; its backend is `model`
void add_model_details(const PointSpec& spec, const DispatchPlan& plan, const BackendInfo& info,
                       PointResult& result);

}  // namespace hotexpert
