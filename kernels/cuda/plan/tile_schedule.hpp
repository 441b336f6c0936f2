#pragma once

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

/// In which order a persistent kernel computes the tiles of a layer.
enum class TileOrder : std::uint8_t {
  kExpert,    ///< experts by number; block b takes tiles b, b + blocks, …
  kHotFirst,  ///< experts by falling load: no long run of tiles starts last
  kDynamic,   ///< experts by number; a free block takes the next tile from a counter
};

/// Whole row tiles that `rows` rows of an expert need. @param tile_rows > 0
HOTEXPERT_HOST_DEVICE std::int32_t row_tiles(std::int32_t rows, int tile_rows) {
  return static_cast<std::int32_t>((std::int64_t{rows} + tile_rows - 1) / tile_rows);
}

/// Where the rows of each expert lie and in which order experts come; arrays live where the kernel
/// runs. Built by layout_experts(); a sub-range of `order` and `tiles_before` is a table of fewer
/// experts.
struct TileTable {
  const std::int32_t* order = nullptr;         ///< [num_experts] expert in place i
  const std::int32_t* tiles_before = nullptr;  ///< [num_experts + 1] row tiles of places < i
  const std::int32_t* first_row = nullptr;     ///< [all experts] buffer row where an expert begins
  const std::int32_t* rows = nullptr;          ///< [all experts] rows it computes
  int num_experts = 0;
};

/// Tiles of one product: row tiles of all experts times column tiles.
HOTEXPERT_HOST_DEVICE std::int64_t tile_count(const TileTable& table, std::int64_t column_tiles) {
  return std::int64_t{table.tiles_before[table.num_experts] - table.tiles_before[0]} * column_tiles;
}

/// One tile: rows [first_row, first_row + rows) of the buffer, 1 <= rows <= tile_rows.
struct Tile {
  std::int32_t expert = -1;  ///< -1: no tile
  std::int32_t row_tile = 0;
  std::int32_t column_tile = 0;
  std::int32_t first_row = 0;
  std::int32_t rows = 0;
  std::int64_t index = 0;  ///< in the schedule
};

/// Place of an expert's tile `local` in [0, row_tiles * column_tiles): row tiles vary fastest, in
/// groups of `group`, so that a column tile of the weights is read once a group and stays in L2.
HOTEXPERT_HOST_DEVICE void tile_place(std::int64_t local, std::int32_t row_tiles_of_expert,
                                      std::int64_t column_tiles, int group, Tile& tile) {
  const std::int64_t group_tiles = column_tiles * group;
  const auto first = static_cast<std::int32_t>(local / group_tiles) * group;
  const std::int64_t in_group = local % group_tiles;
  const std::int32_t left = row_tiles_of_expert - first;
  const std::int32_t here = left < group ? left : group;
  tile.row_tile = first + static_cast<std::int32_t>(in_group % here);
  tile.column_tile = static_cast<std::int32_t>(in_group / here);
}

/// The tile of index `index` in [0, tile_count()). O(log experts); every index gives another tile
/// and all of them cover each (row, column tile) of each expert once.
HOTEXPERT_HOST_DEVICE Tile tile_at(const TileTable& table, std::int64_t index,
                                   std::int64_t column_tiles, int tile_rows, int group) {
  const auto row_tile = static_cast<std::int32_t>(index / column_tiles) + table.tiles_before[0];
  // The last place whose tiles begin at or before this one; places without tiles never are.
  int low = 0;
  int high = table.num_experts;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (table.tiles_before[middle] <= row_tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  Tile tile;
  tile.index = index;
  tile.expert = table.order[low];
  const std::int64_t before = std::int64_t{table.tiles_before[low] - table.tiles_before[0]};
  const std::int32_t rows = table.rows[tile.expert];
  tile_place(index - before * column_tiles, row_tiles(rows, tile_rows), column_tiles, group, tile);
  const std::int64_t skipped = std::int64_t{tile.row_tile} * tile_rows;
  tile.first_row = static_cast<std::int32_t>(table.first_row[tile.expert] + skipped);
  const std::int64_t left = rows - skipped;
  tile.rows = static_cast<std::int32_t>(left < tile_rows ? left : tile_rows);
  return tile;
}

/// Rows of a tile that one of two blocks computes, where both share the weights of a tile of
/// 2 * tile_rows rows: the first has the upper half. The lower may have no rows; then it stays at
/// the upper one's place, so that row numbers cannot overflow.
/// @param half 0 or 1
HOTEXPERT_HOST_DEVICE Tile half_of_tile(Tile tile, int half, int tile_rows) {
  const std::int32_t behind = half * tile_rows;
  const std::int32_t left = tile.rows - behind;
  tile.row_tile = 2 * tile.row_tile + half;
  if (left > 0) tile.first_row += behind;
  tile.rows = left < 0 ? 0 : (left < tile_rows ? left : tile_rows);
  return tile;
}

}  // namespace hotexpert
