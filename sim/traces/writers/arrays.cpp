#include <algorithm>
#include <limits>

#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

template <class T>
ArrayView converted(const ArrayView& ids) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(ids.elements()));
  for (std::int64_t i = 0; i < ids.elements(); ++i) out.push_back(static_cast<T>(ids.integer(i)));
  return owned_array(std::move(out), ids.shape);
}

template <class T>
ArrayView row_of(const std::vector<T>& values) {
  return owned_array(values, {static_cast<std::int64_t>(values.size())});
}

}  // namespace

std::string_view bytes_of(const ArrayView& array) {
  return {reinterpret_cast<const char*>(array.data),
          static_cast<std::size_t>(array.elements()) * size_of(array.type)};
}

ArrayView smallest_ids(const ArrayView& ids) {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  for (std::int64_t i = 0; i < ids.elements(); ++i) {
    lowest = std::min(lowest, ids.integer(i));
    highest = std::max(highest, ids.integer(i));
  }
  if (lowest >= 0 && highest <= 255) return converted<std::uint8_t>(ids);
  if (lowest >= std::numeric_limits<std::int16_t>::min() &&
      highest <= std::numeric_limits<std::int16_t>::max()) {
    return converted<std::int16_t>(ids);
  }
  if (lowest >= std::numeric_limits<std::int32_t>::min() &&
      highest <= std::numeric_limits<std::int32_t>::max()) {
    return converted<std::int32_t>(ids);
  }
  return converted<std::int64_t>(ids);
}

ArrayView stored_weights(const ArrayView& weights) {
  if (weights.type == ElementType::kF16 || weights.type == ElementType::kF32) return weights;
  std::vector<float> out;
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    out.push_back(static_cast<float>(weights.real(i)));
  }
  return owned_array(std::move(out), weights.shape);
}

std::vector<NamedArray> named_arrays(const TraceArrays& arrays) {
  std::vector<NamedArray> out;
  if (!arrays.step_offsets.empty()) out.push_back({"step_offsets", row_of(arrays.step_offsets)});
  if (!arrays.request_id.empty()) out.push_back({"request_id", row_of(arrays.request_id)});
  if (!arrays.source_rank.empty()) out.push_back({"source_rank", row_of(arrays.source_rank)});
  if (arrays.weights) out.push_back({"topk_weights", stored_weights(*arrays.weights)});
  out.push_back({"topk_ids", smallest_ids(arrays.topk_ids)});
  return out;
}

ArrayView load_array(const LoadMatrix& loads) {
  return owned_array(loads.load, {loads.steps, loads.layers, loads.experts});
}

std::vector<std::int64_t> step_bounds(const TraceArrays& arrays) {
  if (!arrays.step_offsets.empty()) return arrays.step_offsets;
  return {0, arrays.tokens()};
}

}  // namespace hotexpert::writers
