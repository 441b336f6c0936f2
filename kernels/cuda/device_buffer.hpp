#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/stream.hpp"

namespace hotexpert {

/// Device memory that frees itself. Copies wait until they are done, but for those with a stream.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// At least one piece of 16 bytes, so that data() is never null. @throws DeviceError
  explicit DeviceBuffer(std::int64_t bytes);

  [[nodiscard]] void* data() const { return data_.get(); }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data_.get());
  }

  /// Sets every byte to 0xff: NaN in fp32 and in bf16, -1 in integers.
  void poison();
  void zero();
  void upload(const void* from, std::int64_t bytes);
  /// @param first byte to begin at
  void download(void* to, std::int64_t bytes, std::int64_t first = 0) const;

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> data_;
  std::int64_t bytes_ = 0;
};

/// Host memory that the device reaches: copies to it return at once, those to other host memory
/// wait for the device. Frees itself.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  /// @throws NotEnoughMemory, DeviceError
  explicit PinnedBuffer(std::int64_t bytes);
  template <class T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(data_.get());
  }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> data_;
};

template <class T>
DeviceBuffer device_copy(const std::vector<T>& values) {
  const auto bytes = static_cast<std::int64_t>(values.size() * sizeof(T));
  DeviceBuffer buffer(bytes);
  if (bytes > 0) buffer.upload(values.data(), bytes);
  return buffer;
}

template <class T>
std::vector<T> host_copy(const DeviceBuffer& buffer, std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  if (count > 0) buffer.download(values.data(), count * static_cast<std::int64_t>(sizeof(T)));
  return values;
}

}  // namespace hotexpert
