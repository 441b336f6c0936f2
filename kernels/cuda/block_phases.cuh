#pragma once

namespace hotexpert {

/// A thread block as the phases of a kernel see it: each(n, f) runs f(i) for every i in [0, n) on
/// the block's threads and waits for all of them. The bodies in route_phases.hpp and
/// router_top_k_phases.hpp are written against this, so that tests run them on the host.
struct DeviceBlock {
  template <class Body>
  __device__ __forceinline__ void each(int count, const Body& body) const {
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
      body(i);
    __syncthreads();
  }
};

}  // namespace hotexpert
