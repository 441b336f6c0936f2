#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// How to replay a recorded trace.
struct RecordedSpec {
  std::string file = {};          ///< .npy or .safetensors, decided by content
  std::string weights_file = {};  ///< see open_trace_arrays
  int num_experts = 0;            ///< E; 0 = from metadata, else the largest id + 1, with a warning
  /// Tokens of a step; 0 = the file's own steps, or one step of all tokens.
  std::int64_t tokens_per_step = 0;
  bool shuffled = false;   ///< all tokens in random order (whole tokens: layers move together)
  std::uint64_t seed = 0;  ///< of the shuffle
};

/// Opens a recorded trace. Files stay memory-mapped; reading converts one (step, layer) and checks
/// it: an id < -1 or >= E (-1 = absent), an expert twice in a token, a weight that is negative or
/// not a number are an InputError naming file, token and layer. A partial last step is left out,
/// with a warning.
/// @throws InputError, also when there are fewer tokens than one step
std::unique_ptr<RoutingTrace> open_recorded_trace(const RecordedSpec& spec);

/// The same for arrays already open; `spec.file` and `spec.weights_file` are not used.
std::unique_ptr<RoutingTrace> make_recorded_trace(TraceArrays arrays, const RecordedSpec& spec);

}  // namespace hotexpert
