#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/tile_grid.hpp"

namespace hotexpert {

/// Nanoseconds of std::chrono::steady_clock, the clock that layers are timed by.
inline std::uint64_t tile_clock_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

/// The untraced instance of a kernel: what is compiled is the work alone.
struct NoTracer {
  template <class Task, class Work>
  void tile(std::int64_t /*index*/, const Task& /*task*/, std::int64_t /*column*/, int /*thread*/,
            const Work& work) const {
    work();
  }
  void advance(std::int64_t /*tiles*/) const {}
};

/// Writes a record a tile: two clock reads around the work, into a slot that no other thread
/// writes.
class TileTracer {
 public:
  /// @param first_rows [P] first buffer row of each expert   @param records a slot a tile
  TileTracer(const TileGrid& grid, std::span<const std::int64_t> first_rows,
             std::span<TileRecord> records)
      : grid_(grid), first_rows_(first_rows), records_(records) {}

  /// @param index of the tile among those since the last advance()
  /// @param task its `expert` and `first_row`, a buffer row
  template <class Task, class Work>
  void tile(std::int64_t index, const Task& task, std::int64_t column, int thread,
            const Work& work) const {
    auto& record = records_[static_cast<std::size_t>(done_ + index)];
    const auto begin_ns = tile_clock_ns();
    work();
    record.end_ns = tile_clock_ns();
    record.begin_ns = begin_ns;
    record.expert = task.expert;
    record.worker = thread;
    const auto row = task.first_row - first_rows_[static_cast<std::size_t>(task.expert)];
    record.row_tile = static_cast<std::int32_t>(row / grid_.tile_rows(task.expert, column));
    record.column_tile = static_cast<std::int32_t>(column);
  }
  /// The next tiles follow the `tiles` of the stage that ended.
  void advance(std::int64_t tiles) { done_ += tiles; }

 private:
  const TileGrid& grid_;
  std::span<const std::int64_t> first_rows_;
  std::span<TileRecord> records_;
  std::int64_t done_ = 0;
};

}  // namespace hotexpert
