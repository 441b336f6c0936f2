#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hotexpert {

/// Element types of arrays in trace files, little endian.
enum class ElementType : std::uint8_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kF16,
  kBf16,
  kF32,
  kF64
};

std::size_t size_of(ElementType type);
std::string_view name(ElementType type);  ///< "u8", "f16", ...
bool is_integer(ElementType type);

/// A dense array in C order whose bytes live elsewhere: in a mapped file or a buffer that `storage`
/// keeps alive. The bytes need not be aligned.
struct ArrayView {
  ElementType type = ElementType::kU8;
  std::vector<std::int64_t> shape;
  const std::byte* data = nullptr;
  std::shared_ptr<const void> storage;

  [[nodiscard]] std::int64_t elements() const;
  /// The i-th element as an integer; u64 above 2^63 - 1 gives 2^63 - 1.   Integer types only.
  [[nodiscard]] std::int64_t integer(std::int64_t i) const;
  /// The i-th element as a double, any type.
  [[nodiscard]] double real(std::int64_t i) const;
};

/// Bytes an array of this shape takes.
/// @throws InputError naming `what` if a dimension is negative or the product overflows 63 bits
std::int64_t checked_bytes(std::span<const std::int64_t> shape, ElementType type,
                           std::string_view what);

/// "[60369, 24, 4]"
std::string shape_text(std::span<const std::int64_t> shape);

float half_to_float(std::uint16_t bits);  ///< IEEE 754 binary16, exact

/// Reads an unaligned element.
template <class T>
T load_element(const std::byte* data, std::int64_t i) {
  T value;
  std::memcpy(&value, data + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

template <class T>
constexpr ElementType element_type_of();
template <>
constexpr ElementType element_type_of<std::uint8_t>() {
  return ElementType::kU8;
}
template <>
constexpr ElementType element_type_of<std::int16_t>() {
  return ElementType::kI16;
}
template <>
constexpr ElementType element_type_of<std::int32_t>() {
  return ElementType::kI32;
}
template <>
constexpr ElementType element_type_of<std::int64_t>() {
  return ElementType::kI64;
}
template <>
constexpr ElementType element_type_of<float>() {
  return ElementType::kF32;
}
template <>
constexpr ElementType element_type_of<double>() {
  return ElementType::kF64;
}

/// An array that owns its values, in C order.
template <class T>
ArrayView owned_array(std::vector<T> values, std::vector<std::int64_t> shape) {
  const auto storage = std::make_shared<const std::vector<T>>(std::move(values));
  const auto bytes = std::as_bytes(std::span(*storage));
  return {element_type_of<T>(), std::move(shape), bytes.data(), storage};
}

/// Calls fn(T{}) with the C++ type of an integer element type.
template <class Function>
decltype(auto) with_integer_type(ElementType type, Function&& fn) {
  switch (type) {
    case ElementType::kU8:
      return fn(std::uint8_t{});
    case ElementType::kI8:
      return fn(std::int8_t{});
    case ElementType::kU16:
      return fn(std::uint16_t{});
    case ElementType::kI16:
      return fn(std::int16_t{});
    case ElementType::kU32:
      return fn(std::uint32_t{});
    case ElementType::kI32:
      return fn(std::int32_t{});
    case ElementType::kU64:
      return fn(std::uint64_t{});
    default:
      return fn(std::int64_t{});
  }
}

}  // namespace hotexpert
