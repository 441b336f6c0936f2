#include "reports/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

static_assert(std::endian::native == std::endian::little, "written and read as '<f8'");

constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};
constexpr std::size_t kPrelude = 10;  // magic, version, two bytes of header length
constexpr std::string_view kBeforeShape = "{'descr': '<f8', 'fortran_order': False, 'shape': (";

/// Elements of `shape`; nullopt where they are more than an integer counts.
std::optional<std::int64_t> product(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const auto extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace

std::string npy_bytes(std::span<const std::int64_t> shape, std::span<const double> values) {
  std::string header = fmt::format("{}{}{}), }}", kBeforeShape, fmt::join(shape, ", "),
                                   shape.size() == 1 ? "," : "");
  header.append(63 - (kPrelude + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  bytes += header;
  const std::size_t start = bytes.size();
  bytes.resize(start + values.size_bytes());
  std::memcpy(bytes.data() + start, values.data(), values.size_bytes());
  return bytes;
}

NpyArray parse_npy(std::string_view bytes, std::string_view origin) {
  const auto refuse = [&](std::string_view why) {
    throw InputError(fmt::format("{}: {}; run the point again", origin, why));
  };
  if (bytes.size() < kPrelude || bytes.substr(0, kMagic.size()) != kMagic)
    refuse("this is not a NumPy file");
  const auto low = static_cast<unsigned char>(bytes[8]);
  const auto high = static_cast<unsigned char>(bytes[9]);
  const std::size_t start = kPrelude + (std::size_t{high} << 8U | low);
  if (bytes.size() < start) refuse("the file is cut off");
  std::string_view header = bytes.substr(kPrelude, start - kPrelude);
  if (header.substr(0, kBeforeShape.size()) != kBeforeShape) refuse("it does not hold doubles");
  header.remove_prefix(kBeforeShape.size());

  NpyArray array;
  while (!header.empty() && header.front() != ')') {
    std::int64_t extent = 0;
    const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), extent);
    if (error != std::errc() || extent < 0) refuse("its shape cannot be read");
    array.shape.push_back(extent);
    header.remove_prefix(static_cast<std::size_t>(end - header.data()));
    while (!header.empty() && (header.front() == ',' || header.front() == ' '))
      header.remove_prefix(1);
  }
  const std::string_view data = bytes.substr(start);
  const auto elements = product(array.shape);
  if (!elements || data.size() / sizeof(double) != static_cast<std::size_t>(*elements) ||
      data.size() % sizeof(double) != 0)
    refuse("the file is cut off");
  array.values.resize(data.size() / sizeof(double));
  std::memcpy(array.values.data(), data.data(), data.size());
  return array;
}

}  // namespace hotexpert
