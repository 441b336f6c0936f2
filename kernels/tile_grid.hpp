#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tile_record.hpp"

namespace hotexpert {

/// How a kernel cuts experts into tiles, and what it was given. P counts shared experts too, where
/// the kernel computes them beside the routed ones.
struct TileGrid {
  int num_workers = 1;            ///< workers that could have computed, idle ones included
  std::int64_t rows_a_tile = 1;   ///< BM, the most rows of a tile
  std::int64_t column_tiles = 1;  ///< tiles beside each other: ceil(N / BN), over all products
  std::vector<std::int64_t> token_rows;     ///< [P] rows of tokens of each physical expert
  std::vector<std::int64_t> computed_rows;  ///< [P] rows the kernel was told to compute: token
                                            ///< rows, or capacity where experts are padded to it
  bool computes_full_tiles = true;  ///< an expert's last tile costs BM rows, however few are valid
  /// [P] rows of an expert's tiles, its last aside, where a kernel evens them out: at most BM, and
  /// as many tiles as BM would give. Empty: BM for every expert.
  std::vector<std::int64_t> even_rows = {};

  /// Rows of a tile of `expert`, its last aside; at least 1.
  [[nodiscard]] std::int64_t tile_rows(int expert) const {
    const auto rows = even_rows.empty() ? rows_a_tile : even_rows[static_cast<std::size_t>(expert)];
    return rows > 0 ? rows : 1;
  }
  /// Tiles of `expert` below each other: ceil(computed rows / BM).
  [[nodiscard]] std::int64_t row_tiles(int expert) const {
    const auto rows = computed_rows[static_cast<std::size_t>(expert)];
    return (rows + rows_a_tile - 1) / rows_a_tile;
  }
};

/// What a traced pass wrote: its grid, and a record a tile in any order; or why it wrote none.
struct TileRecords {
  TileGrid grid;
  std::vector<TileRecord> records;
  std::string untraced = {};  ///< why there are none, in one sentence; empty when there are
};

}  // namespace hotexpert
