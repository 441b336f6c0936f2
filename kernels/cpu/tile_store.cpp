#include "kernels/cpu/tile_store.hpp"

#include <cstring>

#include "kernels/cpu/vector_loops.hpp"

namespace hotexpert {

void activate(Activation activation, const float* gate, float* values, std::int64_t count) {
  switch (activation) {
    case Activation::kSwiglu:
      apply_swiglu(gate, values, count);
      return;
    case Activation::kGelu:
      apply_gelu(values, count);
      return;
    case Activation::kRelu:
      apply_relu(values, count);
      return;
  }
}

void activate_backward(Activation activation, const float* d, float* gate, float* values,
                       std::int64_t count) {
  switch (activation) {
    case Activation::kSwiglu:
      swiglu_gradient(d, gate, values, count);
      return;
    case Activation::kGelu:
      gelu_gradient(d, values, count);
      return;
    case Activation::kRelu:
      relu_gradient(d, values, count);
      return;
  }
}

void load_tile(const std::byte* in, std::int64_t count, DataType dtype, float* values) {
  if (dtype == DataType::kFp32) {
    std::memcpy(values, in, static_cast<std::size_t>(count) * sizeof(float));
  } else {
    const void* elements = in;
    widen(static_cast<const Bf16*>(elements), values, count);
  }
}

void store_tile(const float* values, std::int64_t count, DataType dtype, std::byte* out) {
  if (dtype == DataType::kFp32) {
    std::memcpy(out, values, static_cast<std::size_t>(count) * sizeof(float));
  } else {
    void* elements = out;
    round_to_bf16(values, static_cast<Bf16*>(elements), count);
  }
}

void store_columns(const float* values, std::int64_t rows, const ColumnBlocks& blocks,
                   std::int64_t block, DataType dtype, std::byte* out) {
  const std::int64_t element = bytes_per_element(dtype);
  const std::int64_t columns = blocks.size(block);
  for (std::int64_t row = 0; row < rows; ++row) {
    store_tile(values + row * columns, columns, dtype,
               out + (row * blocks.columns + blocks.begin(block)) * element);
  }
}

}  // namespace hotexpert
