#include "scenarios/selftest/small_layer.hpp"

#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {

DispatchPlan small_plan(const LayerShape& shape, std::int64_t tokens) {
  SyntheticSpec spec;
  spec.num_experts = shape.num_experts;
  spec.top_k = shape.top_k;
  spec.tokens = tokens;
  spec.model = "zipf:exponent=1";
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  DispatchPlan plan =
      plan_dispatch(trace->read(0, 0, buffer), ExpertPlacement::contiguous(shape.num_experts), {});
  check_invariants(plan);
  return plan;
}

SmallLayer::SmallLayer(LayerBackend& backend, const LayerShape& shape, const std::string& kernel,
                       std::int64_t tokens)
    : layer(backend.prepare(shape, kernel, shape.num_experts, 1)),
      handle(layer->load(small_plan(shape, tokens))) {}

}  // namespace hotexpert
