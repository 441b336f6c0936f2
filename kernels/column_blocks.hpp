#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Columns cut into blocks of one width; the last block may be narrower.
struct ColumnBlocks {
  std::int64_t columns = 0;
  std::int64_t width = 1;

  /// As few blocks as `max_width` allows, equally wide but for rounding up to whole vectors of 64.
  static ColumnBlocks split(std::int64_t columns, std::int64_t max_width) {
    const std::int64_t blocks = (columns + max_width - 1) / max_width;
    const std::int64_t even = (columns + blocks - 1) / blocks;
    return {columns, std::min(columns, (even + 63) / 64 * 64)};
  }
  [[nodiscard]] std::int64_t count() const { return (columns + width - 1) / width; }
  [[nodiscard]] std::int64_t begin(std::int64_t block) const { return block * width; }
  [[nodiscard]] std::int64_t size(std::int64_t block) const {
    return std::min(width, columns - block * width);
  }
};

/// A matrix of `rows` rows stored block after block: block b holds [rows, blocks.size(b)], dense.
/// With one block it is an ordinary row-major matrix. A product that walks its inner dimension
/// block by block then reads dense operands only, which oneDNN's fast kernels ask for.
template <class Byte>
struct BlockedRows {
  Byte* data = nullptr;
  std::int64_t rows = 0;
  ColumnBlocks blocks;
  DataType dtype = DataType::kFp32;
  std::int64_t first_row = 0;  ///< where at() counts from

  /// Where row `row` of `block` starts.
  [[nodiscard]] Byte* at(std::int64_t block, std::int64_t row = 0) const {
    return data + (blocks.begin(block) * rows + (first_row + row) * blocks.size(block)) *
                      bytes_per_element(dtype);
  }
  /// The same matrix seen from row `row` on.
  [[nodiscard]] BlockedRows from(std::int64_t row) const {
    BlockedRows view = *this;
    view.first_row += row;
    return view;
  }
};
using RowsView = BlockedRows<const std::byte>;
using RowsBuffer = BlockedRows<std::byte>;

}  // namespace hotexpert
