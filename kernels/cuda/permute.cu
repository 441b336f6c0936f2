#include <cuda_runtime.h>

#include "kernels/cuda/permute.hpp"
#include "kernels/cuda/plan/layer_elements.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kPieceBytes = sizeof(Piece);
constexpr unsigned kPaddingBlocks = 16;  // an expert

/// Pieces of a token are spread over blocks as well: few tokens must fill the device too.
dim3 grid_of(std::int64_t tokens, std::int64_t pieces) {
  return {static_cast<unsigned>(tokens), static_cast<unsigned>((pieces + kThreads - 1) / kThreads),
          1};
}

__global__ void __launch_bounds__(kThreads)
    permute_kernel(const Piece* __restrict__ in, const std::int32_t* __restrict__ row_of_slot,
                   int slots, std::int64_t pieces, Piece* __restrict__ out) {
  const std::int64_t piece = std::int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (piece < pieces) permute_piece(in, row_of_slot, slots, pieces, blockIdx.x, piece, out);
}

__global__ void __launch_bounds__(kThreads)
    zero_padding_kernel(const std::int32_t* first_row, const std::int32_t* kept,
                        const std::int32_t* computed, std::int64_t pieces, Piece* out) {
  const int expert = static_cast<int>(blockIdx.x);
  const std::int64_t begin = (std::int64_t{first_row[expert]} + kept[expert]) * pieces;
  const std::int64_t end = (std::int64_t{first_row[expert]} + computed[expert]) * pieces;
  const std::int64_t stride = std::int64_t{gridDim.y} * kThreads;
  for (std::int64_t i = begin + std::int64_t{blockIdx.y} * kThreads + threadIdx.x; i < end;
       i += stride)
    out[i] = Piece{};
}

template <class Format>
__global__ void __launch_bounds__(kThreads)
    combine_kernel(const Piece* __restrict__ in, const std::int32_t* __restrict__ row_of_slot,
                   const float* __restrict__ weight_of_slot, int slots, std::int64_t pieces,
                   float* __restrict__ out) {
  const std::int64_t piece = std::int64_t{blockIdx.y} * kThreads + threadIdx.x;
  if (piece >= pieces) return;
  combine_piece<Format>(in, row_of_slot, weight_of_slot, slots, pieces, blockIdx.x, piece, out);
}

}  // namespace

void launch_permute(const void* in, const std::int32_t* row_of_slot, std::int64_t tokens, int slots,
                    std::int64_t row_bytes, void* out, DeviceStream stream) {
  if (tokens == 0) return;
  const std::int64_t pieces = row_bytes / kPieceBytes;
  permute_kernel<<<grid_of(tokens, pieces), kThreads, 0, stream>>>(
      static_cast<const Piece*>(in), row_of_slot, slots, pieces, static_cast<Piece*>(out));
}

void launch_zero_padding(const std::int32_t* first_row, const std::int32_t* kept,
                         const std::int32_t* computed, int num_experts, std::int64_t row_bytes,
                         void* out, DeviceStream stream) {
  if (num_experts == 0) return;
  const dim3 grid(static_cast<unsigned>(num_experts), kPaddingBlocks);
  zero_padding_kernel<<<grid, kThreads, 0, stream>>>(
      first_row, kept, computed, row_bytes / kPieceBytes, static_cast<Piece*>(out));
}

void launch_combine(const void* in, DataType dtype, const std::int32_t* row_of_slot,
                    const float* weight_of_slot, std::int64_t tokens, int slots,
                    std::int64_t d_model, float* out, DeviceStream stream) {
  if (tokens == 0) return;
  const auto launch = [&](auto format) {
    using Format = decltype(format);
    const std::int64_t pieces = d_model / Format::kValues;
    combine_kernel<Format><<<grid_of(tokens, pieces), kThreads, 0, stream>>>(
        static_cast<const Piece*>(in), row_of_slot, weight_of_slot, slots, pieces, out);
  };
  if (dtype == DataType::kFp32) {
    launch(Fp32Piece{});
  } else {
    launch(Bf16Piece{});
  }
}

}  // namespace hotexpert
