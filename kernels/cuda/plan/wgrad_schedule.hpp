#pragma once

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

// Weight gradients of all experts as tiles. A gradient [left, right] is the sum over an expert's
// rows of the outer products of two row-major matrices: its tiles are those of the gradient,
// equally many for every expert, and a tile's time follows the rows. With a split, an expert of
// more than split_rows rows has its rows cut into parts, and every part computes all tiles: the
// first into the gradient, the others into slots that are added afterwards, in order.

/// Places and parts of a layer's experts; arrays live where the kernel runs. Built by
/// layout_wgrad(); a sub-range of `order` and `parts_before` is a table of fewer experts, with
/// slots of its own.
struct WgradTable {
  const std::int32_t* order = nullptr;  ///< [num_experts] expert in place i: by falling rows
  const std::int32_t* parts_before =
      nullptr;  ///< [num_experts + 1] parts of places < i; a place has at least one
  const std::int32_t* first_row = nullptr;  ///< [all experts] buffer row where an expert begins
  const std::int32_t* rows = nullptr;       ///< [all experts] rows it sums over
  int num_experts = 0;
};

/// Parts that `rows` rows are cut into: 1 unless split. @param split_rows 0: never, else a multiple
/// of 16
HOTEXPERT_HOST_DEVICE std::int32_t wgrad_parts(std::int32_t rows, std::int32_t split_rows) {
  if (split_rows == 0 || rows <= split_rows) return 1;
  return static_cast<std::int32_t>((std::int64_t{rows} + split_rows - 1) / split_rows);
}

/// Rows of each part but the last: equal, a multiple of 16 where there are several.
HOTEXPERT_HOST_DEVICE std::int32_t wgrad_part_rows(std::int32_t rows, std::int32_t parts) {
  if (parts <= 1) return rows;
  const std::int32_t even = (rows + parts - 1) / parts;
  return (even + 15) / 16 * 16;
}

/// Fills `order` [E] and `parts_before` [E + 1].
/// @param scratch [E]   @param block anything with each(n, f), see block_phases.cuh
template <class Block>
HOTEXPERT_HOST_DEVICE void layout_wgrad(const Block& block, int num_experts,
                                        const std::int32_t* rows, std::int32_t split_rows,
                                        std::int32_t* order, std::int32_t* parts_before,
                                        std::int32_t* scratch) {
  block.each(num_experts, [&](int e) {
    int place = 0;
    for (int f = 0; f < num_experts; ++f)
      place += rows[f] > rows[e] || (rows[f] == rows[e] && f < e) ? 1 : 0;
    order[place] = e;
    scratch[place] = wgrad_parts(rows[e], split_rows);
  });
  // E^2 additions, once a step: experts are few, and no second array is needed.
  block.each(num_experts + 1, [&](int i) {
    std::int32_t before = 0;
    for (int place = 0; place < i; ++place) before += scratch[place];
    parts_before[i] = before;
  });
}

/// One tile of one part.
struct WgradPart {
  std::int32_t expert = -1;
  std::int32_t left_tile = 0;
  std::int32_t right_tile = 0;
  std::int32_t first_row = 0;
  std::int32_t rows = 0;   ///< 0: an expert without rows, whose gradient is zero
  std::int32_t slot = -1;  ///< where it is written; -1: the gradient itself
};

/// Tiles of a gradient over all experts and parts.
HOTEXPERT_HOST_DEVICE std::int64_t wgrad_tile_count(const WgradTable& table, int left_tiles,
                                                    int right_tiles) {
  return std::int64_t{table.parts_before[table.num_experts] - table.parts_before[0]} * left_tiles *
         right_tiles;
}

/// The tile of index `index` in [0, wgrad_tile_count()). O(log experts). Tiles of a part follow
/// each other, left ones fastest, so that a panel of the right matrix stays in L2.
HOTEXPERT_HOST_DEVICE WgradPart wgrad_tile_at(const WgradTable& table, std::int64_t index,
                                              int left_tiles, int right_tiles) {
  const std::int64_t tiles = std::int64_t{left_tiles} * right_tiles;
  const auto part_index = static_cast<std::int32_t>(index / tiles) + table.parts_before[0];
  int low = 0;
  int high = table.num_experts;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (table.parts_before[middle] <= part_index) {
      low = middle;
    } else {
      high = middle;
    }
  }
  WgradPart part;
  part.expert = table.order[low];
  const std::int32_t number = part_index - table.parts_before[low];
  const std::int32_t parts = table.parts_before[low + 1] - table.parts_before[low];
  const std::int32_t rows = table.rows[part.expert];
  const std::int32_t each = wgrad_part_rows(rows, parts);
  part.first_row = table.first_row[part.expert] + number * each;
  const std::int32_t left = rows - number * each;
  part.rows = left < each ? left : each;
  // A place's first part needs no slot: places before this one have as many slots as parts but one
  // each.
  if (number > 0) part.slot = table.parts_before[low] - low - table.parts_before[0] + number - 1;
  const auto local = static_cast<std::int32_t>(index % tiles);
  part.left_tile = local % left_tiles;
  part.right_tile = local / left_tiles;
  return part;
}

/// gradient += the slots of the expert in place `place`, first to last, for one element: always in
/// this order, so every run gives the same bits.
/// @param slots [slots, elements]   @param element in [0, elements)
HOTEXPERT_HOST_DEVICE float wgrad_sum(const WgradTable& table, int place, const float* slots,
                                      std::int64_t elements, std::int64_t element, float gradient) {
  const std::int32_t first = table.parts_before[place] - place - table.parts_before[0];
  const std::int32_t count = table.parts_before[place + 1] - table.parts_before[place] - 1;
  for (std::int32_t i = 0; i < count; ++i) gradient += slots[(first + i) * elements + element];
  return gradient;
}

}  // namespace hotexpert
