#include "sim/traces/array_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

struct TypeRow {
  std::string_view name;
  std::size_t size;
  bool integer;
};

// In the order of ElementType.
constexpr std::array kTypes = {
    TypeRow{"u8", 1, true},    TypeRow{"i8", 1, true},   TypeRow{"u16", 2, true},
    TypeRow{"i16", 2, true},   TypeRow{"u32", 4, true},  TypeRow{"i32", 4, true},
    TypeRow{"u64", 8, true},   TypeRow{"i64", 8, true},  TypeRow{"f16", 2, false},
    TypeRow{"bf16", 2, false}, TypeRow{"f32", 4, false}, TypeRow{"f64", 8, false}};

const TypeRow& row(ElementType type) { return kTypes[static_cast<std::size_t>(type)]; }

}  // namespace

std::size_t size_of(ElementType type) { return row(type).size; }
std::string_view name(ElementType type) { return row(type).name; }
bool is_integer(ElementType type) { return row(type).integer; }

std::int64_t ArrayView::elements() const {
  std::int64_t count = 1;
  for (const auto extent : shape) count *= extent;
  return count;
}

std::int64_t ArrayView::integer(std::int64_t i) const {
  return with_integer_type(type, [&](auto element) {
    constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
    const auto value = load_element<decltype(element)>(data, i);
    return std::cmp_greater(value, kLargest) ? kLargest : static_cast<std::int64_t>(value);
  });
}

double ArrayView::real(std::int64_t i) const {
  switch (type) {
    case ElementType::kF16:
      return static_cast<double>(half_to_float(load_element<std::uint16_t>(data, i)));
    case ElementType::kBf16:
      return static_cast<double>(
          std::bit_cast<float>(std::uint32_t{load_element<std::uint16_t>(data, i)} << 16));
    case ElementType::kF32:
      return static_cast<double>(load_element<float>(data, i));
    case ElementType::kF64:
      return load_element<double>(data, i);
    default:
      return static_cast<double>(integer(i));
  }
}

std::int64_t checked_bytes(std::span<const std::int64_t> shape, ElementType type,
                           std::string_view what) {
  auto bytes = static_cast<std::int64_t>(size_of(type));
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  for (const auto extent : shape) {
    std::int64_t product = 0;
    if (extent < 0 || (!empty && __builtin_mul_overflow(bytes, extent, &product))) {
      throw InputError(fmt::format("{}: the shape {} is not possible", what, shape_text(shape)));
    }
    bytes = product;
  }
  return empty ? 0 : bytes;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return sign != 0 ? -magnitude : magnitude;
}

}  // namespace hotexpert
