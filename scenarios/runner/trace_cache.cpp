#include "scenarios/runner/trace_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "sim/base/errors.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

/// Two points whose recordings are the same, whatever they do with it.
bool same_recording(const TraceSpec& a, const TraceSpec& b) {
  return a.file == b.file && a.recording == b.recording && a.num_experts == b.num_experts &&
         a.top_k == b.top_k && a.needs_weights == b.needs_weights;
}

/// The recording's tokens, with what its checks found as warnings.
TraceArrays arrays_of(const ImportedTrace& imported) {
  TraceArrays arrays = *imported.recording.arrays;
  const auto& warnings = imported.recording.warnings;
  arrays.warnings.insert(arrays.warnings.end(), warnings.begin(), warnings.end());
  for (const auto& check : imported.checks) {
    if (check.count == 0 || check.severity == Severity::kInfo) continue;
    arrays.warnings.push_back(
        fmt::format("Trace check {} ({}): {}", check.name, name(check.severity), check.text));
  }
  return arrays;
}

}  // namespace

const ImportedTrace& TraceCache::recording(const TraceSpec& spec) {
  if (!recording_ || !same_recording(recording_spec_, spec)) {
    ImportOptions options;
    options.format = spec.recording.format;
    options.axes = spec.recording.axes;
    options.weights_file = spec.needs_weights ? spec.recording.weights : "none";
    options.num_experts = spec.num_experts;
    options.top_k = spec.top_k;
    options.absent_id = spec.recording.absent_id;
    options.on_bad = parse_on_bad(spec.recording.on_bad);
    recording_.reset();
    recording_ = import_trace({spec.file}, options);
    recording_spec_ = spec;
  }
  if (!recording_->recording.arrays) {
    throw InputError(fmt::format(
        "{}: holds counts only; a point replays tokens (hotexpert place reads counts)", spec.file));
  }
  return *recording_;
}

std::shared_ptr<const RoutingTrace> TraceCache::make(const TraceSpec& spec) {
  if (!spec.file.empty()) {
    const auto& imported = recording(spec);
    RecordedSpec recorded;
    recorded.num_experts = imported.num_experts;
    recorded.tokens_per_step = spec.step_tokens;
    recorded.shuffled = spec.order == "shuffled";
    recorded.seed = spec.seed;
    return make_recorded_trace(arrays_of(imported), recorded);
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
  synthetic.groups = spec.groups;
  synthetic.topk_groups = spec.topk_groups;
  synthetic.seed = spec.seed;
  synthetic.threads = threads_;
  return make_synthetic_trace(synthetic);
}

std::shared_ptr<const RoutingTrace> TraceCache::open(const TraceSpec& spec) {
  if (!trace_ || !(spec_ == spec)) {
    trace_.reset();
    trace_ = make(spec);
    spec_ = spec;
  }
  return trace_;
}

namespace {

/// FNV-1a over words of eight bytes (the last one padded with zeros), then over the length.
std::uint64_t digest_of(std::uint64_t hash, const ArrayView& array) {
  constexpr std::uint64_t kPrime = 0x100000001b3ULL;
  const std::span bytes(array.data,
                        static_cast<std::size_t>(array.elements()) * size_of(array.type));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min(sizeof word, bytes.size() - at));
    hash = (hash ^ word) * kPrime;
  }
  return (hash ^ bytes.size()) * kPrime;
}

/// What a resumed run compares: the same file name may hold another recording.
std::string digest_of(const TraceArrays& arrays) {
  std::uint64_t hash = digest_of(0xcbf29ce484222325ULL, arrays.topk_ids);
  if (arrays.weights) hash = digest_of(hash, *arrays.weights);
  return fmt::format("fnv1a64-words:{:016x}", hash);
}

}  // namespace

Json recording_json(const TraceSpec& spec, const ImportedTrace& recording) {
  const auto& arrays = *recording.recording.arrays;
  Json checks = Json::array();
  for (const auto& check : recording.checks) {
    checks.push(Json::object()
                    .set("check", check.name)
                    .set("severity", name(check.severity))
                    .set("count", check.count)
                    .set("unit", check.unit)
                    .set("text", check.text));
  }
  return Json::object()
      .set("file", spec.file)
      .set("importer", recording.importer)
      .set("tokens", arrays.tokens())
      .set("layers", arrays.layers())
      .set("experts", recording.num_experts)
      .set("digest", digest_of(arrays))
      .set("checks", std::move(checks));
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
