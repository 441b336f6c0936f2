#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "profiler/tile_timeline.hpp"
#include "sim/base/random.hpp"
#include "sim/core/phase_times.hpp"

namespace hotexpert {

/// A grouped expert kernel on a machine that does not exist: tiles in order of expert, then row
/// tile, then column tile, each started by the worker that is free first (ties: lower index).
struct FakeKernel {
  TileGrid grid;
  double ns_a_row = 100;  ///< of one tile
  std::uint64_t begin_ns = 1'000'000;
  /// Extra factor on a tile's time; 1 by default.
  std::function<double(const TileRecord&)> slowdown = [](const TileRecord&) { return 1.0; };

  [[nodiscard]] TileTimeline run() const {
    std::vector<std::uint64_t> free_ns(static_cast<std::size_t>(grid.num_workers), begin_ns);
    std::vector<TileRecord> tiles;
    for (std::size_t expert = 0; expert < grid.computed_rows.size(); ++expert) {
      const auto row_tiles = (grid.computed_rows[expert] + grid.rows_a_tile - 1) / grid.rows_a_tile;
      for (std::int64_t row = 0; row < row_tiles; ++row) {
        for (std::int64_t column = 0; column < grid.column_tiles; ++column)
          tiles.push_back({0, 0, static_cast<std::int32_t>(expert), 0,
                           static_cast<std::int32_t>(row), static_cast<std::int32_t>(column)});
      }
    }
    for (auto& tile : tiles) {
      const auto worker = std::ranges::min_element(free_ns);
      tile.worker = static_cast<std::int32_t>(worker - free_ns.begin());
      const auto rows = static_cast<double>(rows_of(grid, tile).computed());
      tile.begin_ns = *worker;
      *worker += static_cast<std::uint64_t>(std::llround(rows * ns_a_row * slowdown(tile)));
      tile.end_ns = *worker;
    }
    return make_timeline(grid, std::move(tiles));
  }
};

/// A grid without padding: each expert computes its token rows.
inline TileGrid grid_of(std::vector<std::int64_t> rows, int workers, std::int64_t rows_a_tile,
                        std::int64_t column_tiles) {
  TileGrid grid;
  grid.num_workers = workers;
  grid.rows_a_tile = rows_a_tile;
  grid.column_tiles = column_tiles;
  grid.token_rows = rows;
  grid.computed_rows = std::move(rows);
  return grid;
}

/// Phases around the tiles of a pass: 5 us before and after, 1 us to start and join the workers, 2
/// us between phases.
inline PhaseTimes phases_around(const TileTimeline& timeline) {
  PhaseTimes times;
  times.permute_s = 5e-6;
  times.combine_s = 5e-6;
  times.expert_ffn_s = summarise(timeline).span_s + 1e-6;
  times.total_s = *times.expert_ffn_s + 12e-6;
  return times;
}

}  // namespace hotexpert
