#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/tile_record.hpp"

namespace hotexpert {

/// One of several passes whose tiles one trace holds.
struct TileBand {
  std::string pass;                     ///< "forward", "dgrad", "wgrad", "wgrad sums"
  std::int64_t column_tiles = 0;        ///< tiles beside each other
  std::vector<std::int64_t> row_tiles;  ///< [P] tiles below each other
  std::vector<std::int64_t> tile_rows;  ///< [P] rows of a tile, its last aside
  bool holds_rows = true;               ///< false: its tiles add up what others computed
};

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
  /// The passes of a trace that holds several, their column tiles beside each other in this order:
  /// they say how experts are cut, instead of rows_a_tile and even_rows. Empty: one pass.
  std::vector<TileBand> bands = {};

  /// The pass that a column tile belongs to; nullptr where there is but one.
  [[nodiscard]] const TileBand* band(std::int64_t column) const {
    for (const auto& one : bands) {
      if (column < one.column_tiles) return &one;
      column -= one.column_tiles;
    }
    return nullptr;
  }
  /// Rows of a tile of `expert` in this column, its last aside; at least 1.
  [[nodiscard]] std::int64_t tile_rows(int expert, std::int64_t column) const {
    const auto e = static_cast<std::size_t>(expert);
    const TileBand* pass = band(column);
    const auto rows = pass != nullptr     ? pass->tile_rows[e]
                      : even_rows.empty() ? rows_a_tile
                                          : even_rows[e];
    return rows > 0 ? rows : 1;
  }
  /// All tiles of `expert`.
  [[nodiscard]] std::int64_t tiles(int expert) const {
    if (bands.empty()) return row_tiles(expert) * column_tiles;
    std::int64_t sum = 0;
    for (const auto& one : bands)
      sum += one.row_tiles[static_cast<std::size_t>(expert)] * one.column_tiles;
    return sum;
  }
  /// Tiles of `expert` below each other in the one pass: ceil(computed rows / BM).
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
