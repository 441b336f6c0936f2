#include "profiler/layer_step.hpp"

#include <algorithm>

namespace hotexpert {

RangePayload payload_of(const DispatchPlan& plan, std::int64_t layer, std::string_view kernel,
                        const CapacityPolicy& capacity) {
  RangePayload payload;
  payload.layer = layer;
  payload.tokens = plan.tokens;
  for (int expert = 0; expert < plan.num_physical; ++expert) {
    payload.active_experts += plan.rows(expert) > 0 ? 1 : 0;
    payload.max_load = std::max(payload.max_load, plan.rows(expert));
  }
  payload.capacity_factor = capacity.factor ? capacity.factor->to_double() : 0;
  payload.kernel = kernel;
  return payload;
}

PhaseTimes run_step(PreparedLayer& prepared, int handle, const RangePayload& payload) {
  const AnnotatedRange step(RangeName::kStep);
  const AnnotatedRange layer(RangeName::kLayer, payload);
  return prepared.run(handle);
}

PhaseTimes run_staged_step(PreparedLayer& prepared, int handle, const RangePayload& payload,
                           StageObserver& observer) {
  const AnnotatedRange step(RangeName::kStep);
  const AnnotatedRange layer(RangeName::kLayer, payload);
  return prepared.run_staged(handle, observer);
}

TracedPass run_traced_step(PreparedLayer& prepared, int handle, const RangePayload& payload) {
  const AnnotatedRange step(RangeName::kStep);
  const AnnotatedRange layer(RangeName::kLayer, payload);
  return prepared.run_traced(handle);
}

}  // namespace hotexpert
