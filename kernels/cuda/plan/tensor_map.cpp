#include "kernels/cuda/plan/tensor_map.hpp"

#include <fmt/format.h>

#include "kernels/cuda/plan/swizzle.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kElementBytes = 2;
constexpr std::uint64_t kMostRows = std::uint64_t{1} << 32;
constexpr std::uint64_t kMostStride = std::uint64_t{1} << 40;
constexpr std::uint32_t kMostBox = 256;

}  // namespace

TensorMapFields tensor_map_fields(std::int64_t rows, std::int64_t columns, int box_rows) {
  TensorMapFields fields;
  fields.columns = static_cast<std::uint64_t>(columns);
  fields.rows = static_cast<std::uint64_t>(rows);
  fields.stride_bytes = fields.columns * kElementBytes;
  fields.box_columns = kTileDepth;
  fields.box_rows = static_cast<std::uint32_t>(box_rows);
  return fields;
}

std::optional<std::string> tensor_map_fault(const TensorMapFields& fields) {
  if (fields.rows == 0 || fields.rows > kMostRows || fields.columns == 0 ||
      fields.columns > kMostRows)
    return fmt::format("a matrix of {} x {} has a side outside 1 to 2^32", fields.rows,
                       fields.columns);
  if (fields.stride_bytes % 16 != 0 || fields.stride_bytes >= kMostStride)
    return fmt::format("rows of {} bytes are no multiple of 16 below 2^40", fields.stride_bytes);
  if (fields.box_rows == 0 || fields.box_rows > kMostBox)
    return fmt::format("a box of {} rows is outside 1 to {}", fields.box_rows, kMostBox);
  if (fields.box_columns * kElementBytes != kTileRowBytes)
    return fmt::format("a box of {} columns is not as wide as the swizzle", fields.box_columns);
  return std::nullopt;
}

}  // namespace hotexpert
