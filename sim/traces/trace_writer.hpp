#pragma once

#include <string>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// Writes a trace; the extension decides (trace_writers()). Binary formats store ids in the
/// smallest of u8, i16, i32 and i64 that holds them, weights as they are (f16 or f32; others become
/// f32). The file appears whole or not at all; its safetensors metadata has a digest of the ids.
/// @throws UsageError for another extension, or an .npy name without "topk_ids" when there are
/// weights; OutputError when writing fails
void write_trace(const std::string& path, const TraceArrays& arrays);

/// Writes counts; the extension decides.   @throws UsageError where the format holds tokens only
void write_loads(const std::string& path, const LoadMatrix& loads);

/// All batches of a trace as arrays, ready to write: ids i16, weights f32, step offsets.
/// @throws InputError when its layers differ in tokens or the trace is larger than memory allows
TraceArrays arrays_of(const RoutingTrace& trace, int threads = 1);

}  // namespace hotexpert
