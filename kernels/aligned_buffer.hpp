#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hotexpert {

/// Uninitialised memory, aligned to a cache line, on huge pages where the system has them: expert
/// weights are streamed, and small pages cost address translation.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// @throws std::bad_alloc when the system refuses.
  explicit AlignedBuffer(std::int64_t bytes);

  /// Grows to at least `bytes`. What it held is lost when it grows.
  void reserve(std::int64_t bytes);
  /// A buffer of its own with the same bytes.
  [[nodiscard]] AlignedBuffer copy() const;
  /// Sets every byte to 0xff: NaN in fp32 and in bf16.
  void poison();

  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// The contents as elements of `T`.
  template <class T>
  [[nodiscard]] T* as() {
    return static_cast<T*>(static_cast<void*>(data_.get()));
  }
  template <class T>
  [[nodiscard]] const T* as() const {
    return static_cast<const T*>(static_cast<const void*>(data_.get()));
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::int64_t bytes_ = 0;
};

}  // namespace hotexpert
