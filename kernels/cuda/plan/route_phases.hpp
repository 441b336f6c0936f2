#pragma once

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"
#include "kernels/cuda/plan/tile_schedule.hpp"

namespace hotexpert {

// From the expert ids of all slots to the rows of all experts, in three kernels without atomics:
// every run gives the same rows, in token order within an expert.
//   count    each block counts the experts of one chunk of assignments
//   layout   one block turns the counts into first rows, kept rows and the tile table
//   scatter  each block gives its assignments their rows; those beyond an expert's capacity have
//            none
// A block is anything with each(n, f), see block_phases.cuh.

/// The assignments [tokens * slots], slot by slot of token after token.
struct Assignments {
  const std::int32_t* expert = nullptr;  ///< -1 or out of range: no row
  std::int64_t count = 0;
  int num_experts = 0;
  int chunk = 0;  ///< assignments a block takes, a multiple of 4
};

/// Rules by which layout_experts() places rows.
struct LayoutRules {
  const std::int32_t* capacity = nullptr;  ///< [experts] most rows an expert keeps; null: all
  int padded_experts = 0;        ///< the first so many experts have padded_rows rows each, …
  std::int32_t padded_rows = 0;  ///< … whatever their load; the others have what they keep
  int tile_rows = 1;
  bool hot_first = false;  ///< order of the tile table: by falling rows, else by number
};

/// What layout_experts() writes.
struct ExpertLayout {
  std::int32_t* first_row = nullptr;     ///< [E + 1] buffer row where an expert begins; all rows
  std::int32_t* kept = nullptr;          ///< [E] rows of tokens
  std::int32_t* computed = nullptr;      ///< [E] rows with padding
  std::int32_t* order = nullptr;         ///< [E], see TileTable
  std::int32_t* tiles_before = nullptr;  ///< [E + 1], see TileTable
};

/// ids[0, chunk) = experts of the chunk, -1 for those without and behind the end.
template <class Block>
HOTEXPERT_HOST_DEVICE void load_chunk(const Block& block, const Assignments& in, int chunk_index,
                                      std::int32_t* ids) {
  const std::int64_t first = std::int64_t{chunk_index} * in.chunk;
  block.each(in.chunk, [&](int i) {
    const std::int32_t expert = first + i < in.count ? in.expert[first + i] : -1;
    ids[i] = expert >= 0 && expert < in.num_experts ? expert : -1;
  });
}

/// counts[chunk_index, e] = assignments of expert e in the chunk. @param ids [chunk] scratch
template <class Block>
HOTEXPERT_HOST_DEVICE void count_chunk(const Block& block, const Assignments& in, int chunk_index,
                                       std::int32_t* ids, std::int32_t* counts) {
  load_chunk(block, in, chunk_index, ids);
  std::int32_t* row = counts + std::int64_t{chunk_index} * in.num_experts;
  block.each(in.num_experts, [&](int expert) {
    std::int32_t found = 0;
    for (int i = 0; i < in.chunk; ++i) found += ids[i] == expert ? 1 : 0;
    row[expert] = found;
  });
}

/// Inclusive sums of values[0, n) by doubling steps. @param other [n] scratch
template <class Block>
HOTEXPERT_HOST_DEVICE void inclusive_sums(const Block& block, int n, std::int32_t* values,
                                          std::int32_t* other) {
  for (int step = 1; step < n; step *= 2) {
    block.each(
        n, [&](int i) { other[i] = values[i] + (i >= step ? values[i - step] : std::int32_t{0}); });
    block.each(n, [&](int i) { values[i] = other[i]; });
  }
}

/// Replaces counts[chunk, e] by the assignments of e in earlier chunks, and fills `out`.
/// @param scratch [2 * E]
template <class Block>
HOTEXPERT_HOST_DEVICE void layout_experts(const Block& block, int num_experts, int chunks,
                                          const LayoutRules& rules, std::int32_t* counts,
                                          const ExpertLayout& out, std::int32_t* scratch) {
  std::int32_t* sums = scratch;
  std::int32_t* other = scratch + num_experts;
  block.each(num_experts, [&](int e) {
    std::int32_t total = 0;
    for (int c = 0; c < chunks; ++c) {
      std::int32_t& count = counts[std::int64_t{c} * num_experts + e];
      const std::int32_t here = count;
      count = total;
      total += here;
    }
    std::int32_t most = total;
    if (rules.capacity != nullptr && rules.capacity[e] < most) most = rules.capacity[e];
    if (e < rules.padded_experts && rules.padded_rows < most) most = rules.padded_rows;
    out.kept[e] = most;
    out.computed[e] = e < rules.padded_experts ? rules.padded_rows : most;
    sums[e] = out.computed[e];
  });
  inclusive_sums(block, num_experts, sums, other);
  block.each(num_experts, [&](int e) {
    out.first_row[e] = sums[e] - out.computed[e];
    if (e == num_experts - 1) out.first_row[num_experts] = sums[e];
    int place = e;
    if (rules.hot_first) {
      place = 0;
      for (int f = 0; f < num_experts; ++f) {
        const bool before =
            out.computed[f] > out.computed[e] || (out.computed[f] == out.computed[e] && f < e);
        place += before ? 1 : 0;
      }
    }
    out.order[place] = e;
  });
  block.each(num_experts,
             [&](int i) { sums[i] = row_tiles(out.computed[out.order[i]], rules.tile_rows); });
  inclusive_sums(block, num_experts, sums, other);
  block.each(num_experts + 1, [&](int i) { out.tiles_before[i] = i == 0 ? 0 : sums[i - 1]; });
}

/// row_of_slot[i] = buffer row of assignment i, or -1.
/// @param before [chunks, E] what layout_experts() left in counts   @param ids [chunk] scratch
template <class Block>
HOTEXPERT_HOST_DEVICE void scatter_chunk(const Block& block, const Assignments& in, int chunk_index,
                                         const std::int32_t* before, const ExpertLayout& layout,
                                         std::int32_t* ids, std::int32_t* row_of_slot) {
  load_chunk(block, in, chunk_index, ids);
  const std::int64_t first = std::int64_t{chunk_index} * in.chunk;
  block.each(in.chunk, [&](int i) {
    if (ids[i] < 0 && first + i < in.count) row_of_slot[first + i] = -1;
  });
  // One thread an expert reads the chunk in order: the rank of an assignment needs no atomics.
  block.each(in.num_experts, [&](int expert) {
    std::int32_t rank = before[std::int64_t{chunk_index} * in.num_experts + expert];
    const std::int32_t kept = layout.kept[expert];
    const std::int32_t begin = layout.first_row[expert];
    for (int i = 0; i < in.chunk; ++i) {
      if (ids[i] != expert) continue;
      row_of_slot[first + i] = rank < kept ? begin + rank : -1;
      ++rank;
    }
  });
}

}  // namespace hotexpert
