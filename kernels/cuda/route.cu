#include <cuda_runtime.h>

#include "kernels/cuda/block_phases.cuh"
#include "kernels/cuda/route.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 256;
constexpr int kLayoutThreads = 1024;

int chunks_of(const Assignments& in) {
  return static_cast<int>((in.count + in.chunk - 1) / in.chunk);
}

std::size_t chunk_bytes(const Assignments& in) {
  return static_cast<std::size_t>(in.chunk) * sizeof(std::int32_t);
}

__global__ void __launch_bounds__(kThreads) count_kernel(Assignments in, std::int32_t* counts) {
  extern __shared__ std::int32_t ids[];
  count_chunk(DeviceBlock{}, in, static_cast<int>(blockIdx.x), ids, counts);
}

__global__ void __launch_bounds__(kLayoutThreads)
    layout_kernel(int num_experts, int chunks, LayoutRules rules, std::int32_t* counts,
                  ExpertLayout out, unsigned long long* counters) {
  extern __shared__ std::int32_t scratch[];
  if (counters != nullptr && threadIdx.x < 2) counters[threadIdx.x] = 0;
  layout_experts(DeviceBlock{}, num_experts, chunks, rules, counts, out, scratch);
}

__global__ void __launch_bounds__(kThreads)
    scatter_kernel(Assignments in, const std::int32_t* before, ExpertLayout layout,
                   std::int32_t* row_of_slot) {
  extern __shared__ std::int32_t ids[];
  scatter_chunk(DeviceBlock{}, in, static_cast<int>(blockIdx.x), before, layout, ids, row_of_slot);
}

}  // namespace

void launch_count(const Assignments& in, std::int32_t* counts, DeviceStream stream) {
  if (in.count == 0) return;
  count_kernel<<<chunks_of(in), kThreads, chunk_bytes(in), stream>>>(in, counts);
}

void launch_layout(int num_experts, int chunks, const LayoutRules& rules, std::int32_t* counts,
                   const ExpertLayout& out, unsigned long long* counters, DeviceStream stream) {
  const std::size_t bytes = 2 * static_cast<std::size_t>(num_experts) * sizeof(std::int32_t);
  layout_kernel<<<1, kLayoutThreads, bytes, stream>>>(num_experts, chunks, rules, counts, out,
                                                      counters);
}

void launch_scatter(const Assignments& in, const std::int32_t* before, const ExpertLayout& layout,
                    std::int32_t* row_of_slot, DeviceStream stream) {
  if (in.count == 0) return;
  scatter_kernel<<<chunks_of(in), kThreads, chunk_bytes(in), stream>>>(in, before, layout,
                                                                       row_of_slot);
}

}  // namespace hotexpert
