#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "kernels/cuda/activation.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 256;

template <class Format>
__device__ Piece packed(const float (&values)[Format::kValues]) {
  Piece piece{};
  for (int w = 0; w < 4; ++w) {
    if constexpr (Format::kValues == 8) {
      const __nv_bfloat162 pair = __floats2bfloat162_rn(values[2 * w], values[2 * w + 1]);
      piece.words[w] = *reinterpret_cast<const std::uint32_t*>(&pair);
    } else {
      piece.words[w] = __float_as_uint(values[w]);
    }
  }
  return piece;
}

/// A thread computes one piece of one row of `out`; rows are `pieces` pieces.
template <class Format>
__global__ void __launch_bounds__(kThreads)
    activation_kernel(const Piece* in, Epilogue epilogue, std::int64_t count, std::int64_t pieces,
                      Piece* out) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= count) return;
  float values[Format::kValues];
  if (epilogue == Epilogue::kSwiglu) {
    const std::int64_t row = i / pieces;
    const Piece gate = in[i + row * pieces];
    const Piece up = in[i + (row + 1) * pieces];
#pragma unroll
    for (int v = 0; v < Format::kValues; ++v)
      values[v] = swiglu(Format::value(gate, v), Format::value(up, v));
  } else {
    const Piece z = in[i];
#pragma unroll
    for (int v = 0; v < Format::kValues; ++v) values[v] = activated(epilogue, Format::value(z, v));
  }
  out[i] = packed<Format>(values);
}

}  // namespace

void launch_activation(const void* in, DataType dtype, Epilogue epilogue, std::int64_t rows,
                       std::int64_t d_ff, void* out, DeviceStream stream) {
  const auto launch = [&](auto format) {
    using Format = decltype(format);
    const std::int64_t pieces = d_ff / Format::kValues;
    const std::int64_t count = rows * pieces;
    if (count == 0) return;
    const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
    activation_kernel<Format><<<blocks, kThreads, 0, stream>>>(
        static_cast<const Piece*>(in), epilogue, count, pieces, static_cast<Piece*>(out));
  };
  if (dtype == DataType::kFp32) {
    launch(Fp32Piece{});
  } else {
    launch(Bf16Piece{});
  }
}

}  // namespace hotexpert
