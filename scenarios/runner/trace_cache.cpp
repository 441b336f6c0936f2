#include "scenarios/runner/trace_cache.hpp"

#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

std::shared_ptr<const RoutingTrace> make_trace(const TraceSpec& spec, int threads) {
  if (!spec.file.empty()) {
    RecordedSpec recorded;
    recorded.file = spec.file;
    if (!spec.needs_weights) recorded.weights_file = "none";
    recorded.num_experts = spec.num_experts;
    recorded.tokens_per_step = spec.step_tokens;
    recorded.shuffled = spec.order == "shuffled";
    recorded.seed = spec.seed;
    return open_recorded_trace(recorded);
  }
  SyntheticSpec synthetic;
  synthetic.num_experts = spec.num_experts;
  synthetic.top_k = spec.top_k;
  synthetic.layers = spec.synthetic_layers;
  synthetic.tokens = spec.step_tokens;
  synthetic.steps = spec.step_count;
  synthetic.model = spec.model;
  synthetic.target = spec.target;
  synthetic.weights = spec.needs_weights;
  synthetic.seed = spec.seed;
  synthetic.threads = threads;
  return make_synthetic_trace(synthetic);
}

}  // namespace

std::shared_ptr<const RoutingTrace> TraceCache::open(const TraceSpec& spec) {
  if (!trace_ || !(spec_ == spec)) {
    trace_.reset();
    trace_ = make_trace(spec, threads_);
    spec_ = spec;
  }
  return trace_;
}

void resolve_shape(PointSpec& spec, const TraceInfo& info) {
  if (!spec.trace.file.empty()) {
    const std::string& chosen = spec.choice.at("layer.top_k");
    if (chosen != "preset" && chosen != fmt::format("{}", info.slots)) {
      throw UsageError(fmt::format(
          "layer.top_k: {} contradicts the trace '{}', which records {} experts a token (leave "
          "layer.top_k out)",
          chosen, spec.trace.file, info.slots));
    }
    spec.shape.top_k = info.slots;
    spec.shape.num_experts = info.num_experts;
  }
  validate(spec.shape);
}

BatchRange batch_range(const TraceSpec& spec, const TraceInfo& info) {
  BatchRange range{info.steps, 0, info.layers};
  if (spec.step_count > info.steps) {
    throw UsageError(
        fmt::format("step.count: the trace '{}' has {} whole steps of {} tokens, not {}", info.name,
                    info.steps, spec.step_tokens, spec.step_count));
  }
  if (spec.step_count > 0) range.steps = spec.step_count;
  if (spec.only_layer >= info.layers) {
    throw UsageError(fmt::format("trace.layer: the trace '{}' has layers 0 to {}, not {}",
                                 info.name, info.layers - 1, spec.only_layer));
  }
  if (spec.only_layer >= 0) {
    range.first_layer = spec.only_layer;
    range.layers = 1;
  }
  return range;
}

}  // namespace hotexpert
