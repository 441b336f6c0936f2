#include "kernels/cuda/device_buffer.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/wait.hpp"

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

// A copy waits for the default stream, and has no limit of its own.
void DeviceBuffer::upload(const void* from, std::int64_t bytes) {
  wait_for(nullptr, "copying to the device");
  check_cuda(cudaMemcpy(data_.get(), from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice),
             "copying to the device");
}

void DeviceBuffer::download(void* to, std::int64_t bytes, std::int64_t first) const {
  wait_for(nullptr, "copying from the device");
  check_cuda(cudaMemcpy(to, as<std::byte>() + first, static_cast<std::size_t>(bytes),
                        cudaMemcpyDeviceToHost),
             "copying from the device");
}

void DeviceBuffer::Free::operator()(void* memory) const {
  // Freeing waits for the device.
  if (abandoned_device().empty()) (void)succeeded(cudaFree(memory));
}

PinnedBuffer::PinnedBuffer(std::int64_t bytes) {
  void* memory = nullptr;
  check_cuda(cudaMallocHost(&memory, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 16))),
             "reserving host memory");
  data_.reset(memory);
}

void PinnedBuffer::Free::operator()(void* memory) const {
  if (abandoned_device().empty()) (void)succeeded(cudaFreeHost(memory));
}

}  // namespace hotexpert
