#include "profiler/layer_backend.hpp"

#include <array>

#include "profiler/cpu_backend.hpp"
#include "profiler/cuda_backend.hpp"
#include "profiler/model_backend.hpp"

namespace hotexpert {

std::span<const BackendRow> layer_backends() {
  static constexpr std::array kBackends = {
      BackendRow{"cpu", "expert kernels on this machine's processors",
                 [](const BackendOptions& options) {
                   return make_cpu_backend(options.threads, options.pass);
                 }},
      BackendRow{"cuda", "expert kernels on a CUDA device",
                 [](const BackendOptions& options) {
                   return make_cuda_backend(options.threads, options.pass);
                 }},
      BackendRow{"model", "the cost model of a device that need not be here (--device)",
                 make_model_backend},
  };
  return kBackends;
}

}  // namespace hotexpert
