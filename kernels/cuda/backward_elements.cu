#include <cuda_runtime.h>

#include "kernels/cuda/backward_elements.hpp"
#include "kernels/cuda/plan/backward_elements.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;

/// A thread computes one piece of one row of d_hidden's width; rows are `pieces` pieces.
template <class Format>
__global__ void __launch_bounds__(kThreads)
    activation_backward_kernel(const Piece* stored, const Piece* d_hidden, Epilogue epilogue,
                               std::int64_t count, std::int64_t pieces, Piece* d_stored) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= count) return;
  const Piece d = d_hidden[i];
  if (epilogue == Epilogue::kSwiglu) {
    const std::int64_t row = i / pieces;
    const std::int64_t at_gate = i + row * pieces;
    const std::int64_t at_up = i + (row + 1) * pieces;
    const Piece gate = stored[at_gate];
    const Piece up = stored[at_up];
    float d_gate[Format::kValues];
    float d_up[Format::kValues];
#pragma unroll
    for (int v = 0; v < Format::kValues; ++v) {
      const auto gradient =
          swiglu_gradient(Format::value(gate, v), Format::value(up, v), Format::value(d, v));
      d_gate[v] = gradient.gate;
      d_up[v] = gradient.up;
    }
    d_stored[at_gate] = packed_piece(d_gate);
    d_stored[at_up] = packed_piece(d_up);
  } else {
    const Piece z = stored[i];
    float d_z[Format::kValues];
#pragma unroll
    for (int v = 0; v < Format::kValues; ++v)
      d_z[v] = activated_gradient(epilogue, Format::value(z, v), Format::value(d, v));
    d_stored[i] = packed_piece(d_z);
  }
}

template <class Format>
__global__ void __launch_bounds__(kThreads)
    scale_rows_kernel(const Piece* __restrict__ d_out, const std::int32_t* __restrict__ row_of_slot,
                      const float* __restrict__ weight_of_slot, int slots, std::int64_t pieces,
                      Piece* __restrict__ d_y) {
  const std::int64_t piece = std::int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (piece >= pieces) return;
  scale_piece<Format>(d_out, row_of_slot, weight_of_slot, slots, pieces, blockIdx.x, piece, d_y);
}

template <class Format>
__global__ void __launch_bounds__(kThreads)
    gate_gradient_kernel(const Piece* __restrict__ y, const Piece* __restrict__ d_out,
                         const std::int32_t* __restrict__ row_of_slot, std::int64_t cells,
                         int slots, std::int64_t pieces, float* __restrict__ d_weight) {
  const std::int64_t cell = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) / kWarp;
  if (cell >= cells) return;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const std::int64_t row = row_of_slot[cell];
  float sum = 0.0F;
  if (row >= 0)
    sum = dot_pieces<Format>(y + row * pieces, d_out + cell / slots * pieces, pieces, lane, kWarp);
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, step);
  if (lane == 0) d_weight[cell] = sum;
}

template <class Launch>
void with_format(DataType dtype, const Launch& launch) {
  if (dtype == DataType::kFp32) {
    launch(Fp32Piece{});
  } else {
    launch(Bf16Piece{});
  }
}

}  // namespace

void launch_activation_backward(const void* stored, const void* d_hidden, DataType dtype,
                                Epilogue epilogue, std::int64_t rows, std::int64_t d_ff,
                                void* d_stored, DeviceStream stream) {
  with_format(dtype, [&](auto format) {
    using Format = decltype(format);
    const std::int64_t pieces = d_ff / Format::kValues;
    const std::int64_t count = rows * pieces;
    if (count == 0) return;
    const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
    activation_backward_kernel<Format><<<blocks, kThreads, 0, stream>>>(
        static_cast<const Piece*>(stored), static_cast<const Piece*>(d_hidden), epilogue, count,
        pieces, static_cast<Piece*>(d_stored));
  });
}

void launch_scale_rows(const void* d_out, DataType dtype, const std::int32_t* row_of_slot,
                       const float* weight_of_slot, std::int64_t tokens, int slots,
                       std::int64_t d_model, void* d_y, DeviceStream stream) {
  if (tokens == 0) return;
  with_format(dtype, [&](auto format) {
    using Format = decltype(format);
    const std::int64_t pieces = d_model / Format::kValues;
    const dim3 grid(static_cast<unsigned>(tokens),
                    static_cast<unsigned>((pieces + kThreads - 1) / kThreads));
    scale_rows_kernel<Format><<<grid, kThreads, 0, stream>>>(static_cast<const Piece*>(d_out),
                                                             row_of_slot, weight_of_slot, slots,
                                                             pieces, static_cast<Piece*>(d_y));
  });
}

void launch_gate_gradients(const void* y, const void* d_out, DataType dtype,
                           const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                           std::int64_t d_model, float* d_weight, DeviceStream stream) {
  const std::int64_t cells = tokens * slots;
  if (cells == 0) return;
  with_format(dtype, [&](auto format) {
    using Format = decltype(format);
    const auto blocks = static_cast<unsigned>((cells * kWarp + kThreads - 1) / kThreads);
    gate_gradient_kernel<Format><<<blocks, kThreads, 0, stream>>>(
        static_cast<const Piece*>(y), static_cast<const Piece*>(d_out), row_of_slot, cells, slots,
        d_model / Format::kValues, d_weight);
  });
}

}  // namespace hotexpert
