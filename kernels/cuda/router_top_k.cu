#include <cuda_runtime.h>

#include "kernels/cuda/block_phases.cuh"
#include "kernels/cuda/router_top_k.hpp"

namespace hotexpert {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) router_top_k_kernel(RouterTopK router) {
  extern __shared__ std::uint32_t order[];
  route_token(DeviceBlock{}, router, blockIdx.x, order);
}

}  // namespace

void launch_router_top_k(const RouterTopK& router, std::int64_t tokens, DeviceStream stream) {
  if (tokens == 0) return;
  const std::size_t bytes = static_cast<std::size_t>(router.num_experts) * sizeof(std::uint32_t);
  router_top_k_kernel<<<static_cast<unsigned>(tokens), kThreads, bytes, stream>>>(router);
}

}  // namespace hotexpert
