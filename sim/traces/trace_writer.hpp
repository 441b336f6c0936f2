#pragma once

#include <string>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// Writes a trace file; the extension decides: .safetensors (everything), .npz (everything but
/// text metadata), .npy (ids to the file, weights to the neighbour that readers pick up:
/// topk_ids_a.npy -> topk_weights_a.npy). Ids are stored in the smallest of u8, u16, i16 and i32
/// that holds them; weights as they are (f16 or f32; others become f32). The file appears whole or
/// not at all; its safetensors metadata has a digest of the ids.
/// @throws UsageError for another extension, or an .npy name without "topk_ids" when there are
/// weights; OutputError when writing fails
void write_trace(const std::string& path, const TraceArrays& arrays);

/// Writes counts: tensor `load` i64 [steps, layers, experts] in .safetensors or .npz, or an .npy.
void write_loads(const std::string& path, const LoadMatrix& loads);

/// All batches of a trace as arrays, ready to write: ids i16, weights f32, step offsets.
/// @throws InputError when its layers differ in tokens or the trace is larger than memory allows
TraceArrays arrays_of(const RoutingTrace& trace, int threads = 1);

}  // namespace hotexpert
