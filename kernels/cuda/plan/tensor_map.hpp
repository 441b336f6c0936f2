#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hotexpert {

/// The fields of a two-dimensional tensor map of the Tensor Memory Accelerator over a row-major
/// bf16 matrix [rows, columns], 128-byte swizzle, zeros out of bounds. What cuTensorMapEncodeTiled
/// is given, as plain numbers.
struct TensorMapFields {
  std::uint64_t columns = 0;       ///< inner dimension
  std::uint64_t rows = 0;          ///< outer dimension
  std::uint64_t stride_bytes = 0;  ///< from row to row, a multiple of 16
  std::uint32_t box_columns = 0;   ///< box_columns * 2 bytes = the swizzle's width
  std::uint32_t box_rows = 0;      ///< at most 256
};

/// The map of a matrix whose boxes are [box_rows, 64].
/// @param columns a multiple of 8   @param rows in [1, 2^32]   @param box_rows in [1, 256]
TensorMapFields tensor_map_fields(std::int64_t rows, std::int64_t columns, int box_rows);

/// nullopt = the copy engine takes it; else which limit of cuTensorMapEncodeTiled it breaks.
std::optional<std::string> tensor_map_fault(const TensorMapFields& fields);

}  // namespace hotexpert
