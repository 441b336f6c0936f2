#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace hotexpert::training {

/// Allocates at multiples of 64 bytes. Vectorised loops treat the values before the first aligned
/// address one by one, with other rounding: without a fixed alignment, equal runs would differ in
/// their last bits with the addresses they happen to get.
template <class Value>
struct AlignedAllocator {
  using value_type = Value;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <class Other>
  explicit AlignedAllocator(const AlignedAllocator<Other>&) {}
  Value* allocate(std::size_t count) {
    return static_cast<Value*>(::operator new(count * sizeof(Value), kAlignment));
  }
  void deallocate(Value* values, std::size_t) { ::operator delete(values, kAlignment); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};

/// What every product, norm and activation works on.
template <class Value>
using AlignedVector = std::vector<Value, AlignedAllocator<Value>>;

/// A dense row-major matrix that owns its values.
template <class Scalar>
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  AlignedVector<Scalar> values;  ///< [rows, cols]

  Matrix() = default;
  Matrix(std::int64_t rows_, std::int64_t cols_) { reset(rows_, cols_); }

  /// Takes the shape and sets every value to zero; keeps the storage where it is large enough.
  void reset(std::int64_t rows_, std::int64_t cols_) {
    reshape(rows_, cols_);
    std::fill(values.begin(), values.end(), Scalar{0});
  }
  /// Takes the shape without setting values: for outputs that are written in full.
  void reshape(std::int64_t rows_, std::int64_t cols_) {
    rows = rows_;
    cols = cols_;
    values.resize(static_cast<std::size_t>(rows_ * cols_));
  }
  [[nodiscard]] Scalar* data() { return values.data(); }
  [[nodiscard]] const Scalar* data() const { return values.data(); }
  [[nodiscard]] Scalar* row(std::int64_t i) { return values.data() + i * cols; }
  [[nodiscard]] const Scalar* row(std::int64_t i) const { return values.data() + i * cols; }
  [[nodiscard]] Scalar& at(std::int64_t i, std::int64_t j) {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
  [[nodiscard]] Scalar at(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
};

/// Trainable values and the gradient of the loss with respect to them.
template <class Scalar>
struct ParameterBlock {
  AlignedVector<Scalar> value;
  AlignedVector<Scalar> gradient;

  void resize(std::int64_t size) {
    value.assign(static_cast<std::size_t>(size), Scalar{0});
    gradient.assign(static_cast<std::size_t>(size), Scalar{0});
  }
  void clear_gradient() { std::fill(gradient.begin(), gradient.end(), Scalar{0}); }
};

}  // namespace hotexpert::training
