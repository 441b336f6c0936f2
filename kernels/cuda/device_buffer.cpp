#include "kernels/cuda/device_buffer.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "kernels/cuda/check.hpp"

namespace hotexpert {

DeviceBuffer::DeviceBuffer(std::int64_t bytes) : bytes_(std::max<std::int64_t>(bytes, 16)) {
  void* memory = nullptr;
  check_cuda(cudaMalloc(&memory, static_cast<std::size_t>(bytes_)), "reserving device memory");
  data_.reset(memory);
}

void DeviceBuffer::poison() {
  check_cuda(cudaMemset(data_.get(), 0xff, static_cast<std::size_t>(bytes_)),
             "poisoning device memory");
}

void DeviceBuffer::zero() {
  check_cuda(cudaMemset(data_.get(), 0, static_cast<std::size_t>(bytes_)),
             "clearing device memory");
}

void DeviceBuffer::upload(const void* from, std::int64_t bytes) {
  check_cuda(cudaMemcpy(data_.get(), from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice),
             "copying to the device");
}

void DeviceBuffer::download(void* to, std::int64_t bytes, std::int64_t first) const {
  check_cuda(cudaMemcpy(to, as<std::byte>() + first, static_cast<std::size_t>(bytes),
                        cudaMemcpyDeviceToHost),
             "copying from the device");
}

void DeviceBuffer::Free::operator()(void* memory) const { cudaFree(memory); }

}  // namespace hotexpert
