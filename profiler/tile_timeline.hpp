#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/tile_grid.hpp"

namespace hotexpert {

/// Every tile of one pass of the expert kernel, by worker, then begin.
struct TileTimeline {
  TileGrid grid;
  std::vector<TileRecord> tiles;

  [[nodiscard]] std::uint64_t begin_ns() const;  ///< first begin; 0 without tiles
  [[nodiscard]] std::uint64_t end_ns() const;    ///< last end; 0 without tiles
};

/// A phase of a pass, on the clock of its tiles.
struct PhaseSpan {
  std::string phase;  ///< "permute", "forward", "dgrad", "wgrad", "combine"
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
};

/// Sorts the records. Nothing is checked, see timeline_faults().
TileTimeline make_timeline(TileGrid grid, std::vector<TileRecord> records);

/// Whole sentences on what is wrong with a timeline; empty when all of this holds:
/// - each expert has TileGrid::tiles(), ceil(computed rows / BM) * column_tiles of one pass, each
///   exactly once;
/// - tiles end after they begin, workers are in range, no worker computes two tiles at a time.
std::vector<std::string> timeline_faults(const TileTimeline& timeline);

/// Rows of a tile: what it held of tokens, and what the kernel computed for it; none where it adds
/// up what others computed, or writes the zeros of an expert without rows.
struct TileRows {
  std::int64_t token = 0;
  std::int64_t row_padding = 0;       ///< beyond the expert's last row, inside its last tile
  std::int64_t capacity_padding = 0;  ///< up to capacity, where no token is
  [[nodiscard]] std::int64_t computed() const { return token + row_padding + capacity_padding; }
};
TileRows rows_of(const TileGrid& grid, const TileRecord& tile);

/// The tiles of one of several passes.
struct BandSummary {
  std::string pass;  ///< TileBand::pass
  std::int64_t tiles = 0;
  double begin_s = 0;    ///< of its first tile, from the timeline's first begin
  double span_s = 0;     ///< its first begin to its last end
  double busy_s = 0;     ///< summed over workers
  double longest_s = 0;  ///< its longest tile
  int longest_expert = -1;
};

/// What a timeline says at a glance. Times in seconds, shares in [0, 1].
struct TimelineSummary {
  double span_s = 0;  ///< of the expert phases: first begin to last end; of several passes, the
                      ///< time that lies in one of them
  double busy_s = 0;  ///< summed over workers
  double idle_fraction = 0;              ///< 1 - busy / (workers * span)
  std::vector<double> expert_share;      ///< [P] of busy time
  std::vector<double> expert_end_s;      ///< [P] end of its last tile, from the first begin
  std::vector<double> worker_busy_s;     ///< [workers]
  std::vector<double> worker_tail_s;     ///< [workers] last end of all to its own last end
  double padding_share = 0;              ///< of busy time: rows that belong to no token
  std::vector<int> experts_by_last_end;  ///< experts with tiles, the one that ended last first
  std::vector<BandSummary> bands;        ///< one a pass, in order; empty where there is but one
};
TimelineSummary summarise(const TileTimeline& timeline);

}  // namespace hotexpert
