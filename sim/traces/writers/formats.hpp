#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/traces/writers/writer.hpp"

namespace hotexpert::writers {

// write and write_loads of each row of trace_writers(), in the file of its name.
void write_safetensors(const std::string& path, const TraceArrays& arrays);
void write_safetensors_loads(const std::string& path, const LoadMatrix& loads);
void write_npz(const std::string& path, const TraceArrays& arrays);
void write_npz_loads(const std::string& path, const LoadMatrix& loads);
void write_npy(const std::string& path, const TraceArrays& arrays);
void write_npy_loads(const std::string& path, const LoadMatrix& loads);
void write_csv(const std::string& path, const TraceArrays& arrays);
void write_csv_loads(const std::string& path, const LoadMatrix& loads);
void write_jsonl(const std::string& path, const TraceArrays& arrays);
void write_logical_count(const std::string& path, const TraceArrays& arrays);
void write_logical_count_loads(const std::string& path, const LoadMatrix& loads);

/// An array and its name in the file.
struct NamedArray {
  std::string name;
  ArrayView array;
};

std::string_view bytes_of(const ArrayView& array);

/// Ids in the smallest of u8, i16, i32 and i64 that holds every one of them.
ArrayView smallest_ids(const ArrayView& ids);

/// Weights as they are when f16 or f32, else as f32.
ArrayView stored_weights(const ArrayView& weights);

/// What the binary formats have in common: step_offsets, request_id, source_rank, topk_weights and
/// last topk_ids, largest element types first, so that every array of a file is aligned.
std::vector<NamedArray> named_arrays(const TraceArrays& arrays);

/// Counts as an array i64 [steps, layers, experts].
ArrayView load_array(const LoadMatrix& loads);

/// Magic, header and padding of an .npy file, format 1.0.
std::string npy_header(const ArrayView& array);

/// First token of each step, and one past the last: the trace's own, or one step.
std::vector<std::int64_t> step_bounds(const TraceArrays& arrays);

}  // namespace hotexpert::writers
