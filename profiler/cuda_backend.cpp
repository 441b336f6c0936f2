#include "profiler/cuda_backend.hpp"

#include "kernels/cuda/runtime.hpp"
#include "profiler/cuda_layer_backend.hpp"

namespace hotexpert {

std::unique_ptr<LayerBackend> make_cuda_backend(int threads, LayerPass pass) {
  return make_cuda_layer_backend(make_device_runtime(), threads, pass);
}

}  // namespace hotexpert
