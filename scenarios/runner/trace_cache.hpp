#pragma once

#include <memory>
#include <optional>

#include "scenarios/runner/point_spec.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/traces/importers/importer.hpp"

namespace hotexpert {

/// Opens the trace of a point, and keeps the last one: neighbouring points mostly share it.
class TraceCache {
 public:
  explicit TraceCache(int threads) : threads_(threads) {}

  /// @throws InputError (bad file), UsageError (unknown model, more steps or layers than the trace
  /// has)
  std::shared_ptr<const RoutingTrace> open(const TraceSpec& spec);

  /// The recording behind a point of a recorded trace, checked; kept like the trace itself.
  const ImportedTrace& recording(const TraceSpec& spec);

 private:
  std::shared_ptr<const RoutingTrace> make(const TraceSpec& spec);

  int threads_;
  TraceSpec recording_spec_;
  std::optional<ImportedTrace> recording_;
  TraceSpec spec_;
  std::shared_ptr<const RoutingTrace> trace_;
};

/// What the manifest of a run says of a recorded trace: file, importer, size and every check.
Json recording_json(const TraceSpec& spec, const ImportedTrace& recording);

/// Fills in what only the trace knows: experts and slots of a recorded file.
/// @throws UsageError when the scenario's layer.experts or layer.top_k contradict the trace
void resolve_shape(PointSpec& spec, const TraceInfo& info);

/// The steps and layers of the trace that a point uses, as one flat list of batches.
struct BatchRange {
  std::int64_t steps = 0;
  int first_layer = 0;
  int layers = 0;
  [[nodiscard]] std::int64_t count() const { return steps * layers; }
  [[nodiscard]] std::int64_t step(std::int64_t batch) const { return batch / layers; }
  [[nodiscard]] int layer(std::int64_t batch) const {
    return first_layer + static_cast<int>(batch % layers);
  }
};
BatchRange batch_range(const TraceSpec& spec, const TraceInfo& info);

}  // namespace hotexpert
