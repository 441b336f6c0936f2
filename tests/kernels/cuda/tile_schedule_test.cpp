#include "kernels/cuda/plan/tile_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// A table for experts one after another, in the order given.
struct HostTable {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> first_row;
  std::vector<std::int32_t> order;
  std::vector<std::int32_t> tiles_before;

  HostTable(std::vector<std::int32_t> rows_in, int tile_rows, bool reversed = false)
      : rows(std::move(rows_in)) {
    std::int32_t first = 0;
    for (const auto r : rows) {
      first_row.push_back(first);
      first += r;
    }
    order.resize(rows.size());
    std::iota(order.begin(), order.end(), 0);
    if (reversed) std::reverse(order.begin(), order.end());
    tiles_before.push_back(0);
    for (const auto e : order) {
      tiles_before.push_back(tiles_before.back() +
                             row_tiles(rows[static_cast<std::size_t>(e)], tile_rows));
    }
  }
  [[nodiscard]] TileTable view() const {
    return {order.data(), tiles_before.data(), first_row.data(), rows.data(),
            static_cast<int>(rows.size())};
  }
};

using Place = std::tuple<int, int, int>;

/// Each (expert, row tile, column tile) once, with the right rows.
void expect_covers_once(const HostTable& host, int tile_rows, std::int64_t columns, int group) {
  const auto table = host.view();
  std::map<Place, int> seen;
  const std::int64_t count = tile_count(table, columns);
  for (std::int64_t i = 0; i < count; ++i) {
    const Tile tile = tile_at(table, i, columns, tile_rows, group);
    ASSERT_GE(tile.expert, 0);
    const auto e = static_cast<std::size_t>(tile.expert);
    ASSERT_EQ(tile.index, i);
    ASSERT_EQ(tile.first_row, host.first_row[e] + tile.row_tile * tile_rows);
    ASSERT_EQ(tile.rows, std::min(tile_rows, host.rows[e] - tile.row_tile * tile_rows));
    ASSERT_GE(tile.rows, 1);
    ASSERT_LT(tile.column_tile, columns);
    ++seen[{tile.expert, tile.row_tile, tile.column_tile}];
  }
  std::int64_t expected = 0;
  for (const auto rows : host.rows) expected += row_tiles(rows, tile_rows) * columns;
  EXPECT_EQ(count, expected);
  EXPECT_EQ(static_cast<std::int64_t>(seen.size()), expected);
  for (const auto& [place, times] : seen) ASSERT_EQ(times, 1);
}

TEST(TileScheduleTest, VisitsEachTileOnceWithRaggedEndsAndEmptyExperts) {
  for (const bool reversed : {false, true}) {
    for (const int tile_rows : {64, 128}) {
      for (const int group : {1, 3, 8, 64}) {
        expect_covers_once({{0, 1, 64, 65, 0, 0, 300, 128, 0}, tile_rows, reversed}, tile_rows, 5,
                           group);
        expect_covers_once({{7}, tile_rows, reversed}, tile_rows, 1, group);
      }
    }
  }
}

TEST(TileScheduleTest, VisitsEachTileOnceForRandomLoadsOfManyExperts) {
  for (std::uint32_t trial = 0; trial < 20; ++trial) {
    RandomStream stream({3, RandomPurpose::kTest, trial, 0}, 0);
    const auto experts = trial == 0 ? 1024U : 1 + stream.below(300);
    std::vector<std::int32_t> rows;
    for (std::uint32_t e = 0; e < experts; ++e)
      rows.push_back(stream.below(3) == 0 ? 0 : static_cast<std::int32_t>(stream.below(700)));
    expect_covers_once({rows, 128, trial % 2 == 1}, 128, 1 + stream.below(6),
                       1 + static_cast<int>(stream.below(16)));
  }
}

TEST(TileScheduleTest, ALayerWithoutRowsHasNoTiles) {
  const HostTable host({0, 0, 0}, 128);
  EXPECT_EQ(tile_count(host.view(), 11), 0);
}

TEST(TileScheduleTest, HoldsNearTwoToTheThirtyOneRows) {
  const std::int32_t most = 2147483647 - 100;
  const HostTable host({100, most}, 64);
  const auto table = host.view();
  const std::int64_t columns = 112;
  const std::int64_t count = tile_count(table, columns);
  EXPECT_EQ(count, (2 + (std::int64_t{most} + 63) / 64) * columns);
  const Tile last = tile_at(table, count - 1, columns, 64, 8);
  EXPECT_EQ(last.expert, 1);
  EXPECT_EQ(std::int64_t{last.first_row} + last.rows, 2147483647);
  EXPECT_EQ(last.column_tile, columns - 1);
}

TEST(TileScheduleTest, ASubTableIsALayerOfItsExpertsAlone) {
  const HostTable host({130, 0, 70, 5}, 64);
  auto table = host.view();
  table.order += 2;
  table.tiles_before += 2;
  table.num_experts = 1;
  EXPECT_EQ(tile_count(table, 3), 2 * 3);
  for (std::int64_t i = 0; i < 6; ++i) {
    const Tile tile = tile_at(table, i, 3, 64, 8);
    EXPECT_EQ(tile.expert, 2);
    EXPECT_EQ(tile.first_row, 130 + 64 * tile.row_tile);
  }
}

TEST(TileScheduleTest, TheHalvesOfTallTilesAreTheTilesOfHalfTheHeight) {
  for (std::uint32_t trial = 0; trial < 20; ++trial) {
    RandomStream stream({3, RandomPurpose::kTest, trial, 1}, 0);
    std::vector<std::int32_t> rows;
    const auto experts = 1 + stream.below(60);
    for (std::uint32_t e = 0; e < experts; ++e)
      rows.push_back(stream.below(3) == 0 ? 0 : static_cast<std::int32_t>(stream.below(900)));
    for (const int tile_rows : {64, 128}) {
      const HostTable pairs(rows, 2 * tile_rows, trial % 2 == 1);
      const auto table = pairs.view();
      std::map<Place, int> seen;
      for (std::int64_t i = 0; i < tile_count(table, 3); ++i) {
        const Tile both = tile_at(table, i, 3, 2 * tile_rows, 4);
        for (const int half : {0, 1}) {
          const Tile tile = half_of_tile(both, half, tile_rows);
          const auto e = static_cast<std::size_t>(tile.expert);
          const int left = rows[e] - tile.row_tile * tile_rows;
          ASSERT_EQ(tile.rows, std::clamp(left, 0, tile_rows));
          ASSERT_EQ(tile.column_tile, both.column_tile);
          if (tile.rows == 0) continue;
          ASSERT_EQ(tile.first_row, pairs.first_row[e] + tile.row_tile * tile_rows);
          ++seen[{tile.expert, tile.row_tile, tile.column_tile}];
        }
      }
      std::int64_t expected = 0;
      for (const auto r : rows) expected += row_tiles(r, tile_rows) * 3;
      EXPECT_EQ(std::ssize(seen), expected);
      for (const auto& [place, times] : seen) ASSERT_EQ(times, 1);
    }
  }
}

TEST(TileScheduleTest, AHalfWithoutRowsStaysWhereRowNumbersCannotOverflow) {
  Tile last;
  last.first_row = 2147483647 - 10;
  last.rows = 10;
  const Tile lower = half_of_tile(last, 1, 128);
  EXPECT_EQ(lower.rows, 0);
  EXPECT_EQ(lower.first_row, last.first_row);
}

TEST(TileScheduleTest, RowTilesOfAGroupShareAColumnTileBeforeTheNext) {
  const HostTable host({64 * 10}, 64);
  const auto table = host.view();
  for (std::int64_t i = 0; i < 8; ++i) {
    const Tile tile = tile_at(table, i, 4, 64, 8);
    EXPECT_EQ(tile.row_tile, i);
    EXPECT_EQ(tile.column_tile, 0);
  }
  EXPECT_EQ(tile_at(table, 8, 4, 64, 8).column_tile, 1);
  EXPECT_EQ(tile_at(table, 32, 4, 64, 8).row_tile, 8) << "the second group has two row tiles";
  EXPECT_EQ(tile_at(table, 34, 4, 64, 8).column_tile, 1);
}

}  // namespace
}  // namespace hotexpert
