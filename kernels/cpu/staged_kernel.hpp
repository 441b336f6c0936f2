#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/tile_engine.hpp"

namespace hotexpert {

/// How the tiles of all experts are put in order. What a hot expert costs is decided here.
enum class Strategy : std::uint8_t {
  kLoop,     ///< one expert after another; all threads share its tiles, and wait at its end
  kPadded,   ///< all experts at once, each with as many rows as the largest
  kGrouped,  ///< all experts at once, each with its own rows: a hot expert spreads over all threads
};

/// A tile of one matrix product: `rows` buffer rows of an expert, one column block.
struct TileTask {
  int expert = 0;
  int rows = 0;
  std::int64_t first_row = 0;
  std::int64_t block = 0;
};

/// Tiles without dependencies among each other: first all of `up`, then all of `down`, which read
/// what `up` wrote to the hidden rows [first_row, first_row + rows).
struct Stage {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::vector<TileTask> up;
  std::vector<TileTask> down;
};

/// Row counts of the tiles that `rows` rows are cut into: as few as tile_rows allows, equal and
/// multiples of 16 but for the last. A function of the rows alone, so results do not depend on
/// threads.
std::vector<int> tile_row_counts(std::int64_t rows, int tile_rows);

/// The stages of a strategy. Every (row, column block) of every expert is in exactly one tile of
/// `up` and one of `down`. Within an expert the row tiles of one column block follow each other, so
/// its weights are read once; experts with more rows come first, so that no long one starts last.
std::vector<Stage> make_stages(Strategy strategy, const ExpertRows& rows, int tile_rows,
                               std::int64_t up_blocks, std::int64_t down_blocks);

/// A strategy on an engine. Hidden rows go through memory between the two products: their traffic,
/// 2 * d_ff values a row, is below that of the weights, which each of the tiles fused over both
/// products would read again.
std::unique_ptr<CpuExpertKernel> make_staged_kernel(Strategy strategy, const LayerShape& shape,
                                                    std::unique_ptr<TileEngine> engine,
                                                    int tile_rows, int threads);

}  // namespace hotexpert
