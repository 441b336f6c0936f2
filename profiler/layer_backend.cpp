#include "profiler/layer_backend.hpp"

#include <array>

#include "profiler/cpu_backend.hpp"
#include "profiler/cuda_backend.hpp"

namespace hotexpert {

std::span<const BackendRow> layer_backends() {
  static constexpr std::array kBackends = {
      BackendRow{"cpu", "expert kernels on this machine's processors", make_cpu_backend},
      BackendRow{"cuda", "expert kernels on a CUDA device", make_cuda_backend},
  };
  return kBackends;
}

}  // namespace hotexpert
