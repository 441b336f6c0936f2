#pragma once

#include <utility>

#include "kernels/cuda/stream.hpp"
#include "tests/devices/fake_cuda.hpp"

namespace hotexpert::test {

/// Launches `work` as a kernel. A failure is kept, as <<<>>> keeps it. @return what a launcher that
/// asks for it would return
template <class Work>
cudaError_t launch(const char* name, DeviceStream stream, Work work) {
  if (const auto status = fake_cuda().begin(name)) return status;
  fake_cuda().put(stream, cudaGraphNodeTypeKernel, std::move(work));
  return cudaSuccess;
}

}  // namespace hotexpert::test
