#include "profiler/tile_timeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/profiler/fake_kernel.hpp"

namespace hotexpert {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pointwise;

/// Two workers, expert 0 with one tile of 1 us, expert 1 with tiles of 1, 1 and 1 us.
TileTimeline by_hand() {
  auto grid = grid_of({4, 12}, 3, 4, 1);
  return make_timeline(std::move(grid), {{1000, 2000, 0, 0, 0, 0},
                                         {2000, 3000, 1, 0, 1, 0},
                                         {3000, 4000, 1, 0, 2, 0},
                                         {1500, 2500, 1, 1, 0, 0}});
}

TEST(TileTimelineTest, SummaryMatchesAHandMadeCase) {
  const auto summary = summarise(by_hand());
  EXPECT_DOUBLE_EQ(summary.span_s, 3e-6);
  EXPECT_DOUBLE_EQ(summary.busy_s, 4e-6);
  EXPECT_NEAR(summary.idle_fraction, 1 - 4.0 / 9, 1e-12);
  EXPECT_THAT(summary.expert_share, ElementsAre(0.25, 0.75));
  EXPECT_THAT(summary.worker_busy_s, Pointwise(DoubleNear(1e-15), {3e-6, 1e-6, 0.0}));
  EXPECT_THAT(summary.worker_tail_s, Pointwise(DoubleNear(1e-15), {0.0, 1.5e-6, 3e-6}));
  EXPECT_THAT(summary.experts_by_last_end, ElementsAre(1, 0));
  EXPECT_EQ(summary.padding_share, 0);
}

TEST(TileTimelineTest, SplitsPaddingIntoRowsAndCapacity) {
  auto grid = grid_of({5, 1}, 1, 4, 1);
  grid.computed_rows = {10, 10};  // padded to a capacity of 10
  const auto rows = [&](int expert, int row_tile) {
    const auto found = rows_of(grid, {0, 1, expert, 0, row_tile, 0});
    return std::vector{found.token, found.row_padding, found.capacity_padding};
  };
  EXPECT_THAT(rows(0, 0), ElementsAre(4, 0, 0));
  EXPECT_THAT(rows(0, 1), ElementsAre(1, 0, 3));
  EXPECT_THAT(rows(0, 2), ElementsAre(0, 2, 2));
  EXPECT_THAT(rows(1, 0), ElementsAre(1, 0, 3));
  grid.computes_full_tiles = false;
  EXPECT_THAT(rows(0, 2), ElementsAre(0, 0, 2));
}

TEST(TileTimelineTest, KernelsThatEvenTilesOutHaveTheirOwnRows) {
  auto grid = grid_of({257, 40}, 1, 256, 1);
  grid.even_rows = {144, 48};
  grid.computes_full_tiles = false;
  EXPECT_EQ(grid.row_tiles(0), 2);
  EXPECT_EQ(rows_of(grid, {0, 1, 0, 0, 0, 0}).computed(), 144);
  EXPECT_EQ(rows_of(grid, {0, 1, 0, 0, 1, 0}).computed(), 113);
  EXPECT_EQ(rows_of(grid, {0, 1, 1, 0, 0, 0}).computed(), 40);
}

/// Forward over rows, then weight gradients: expert 0 in two parts that are summed, expert 1 empty.
TileTimeline two_passes() {
  auto grid = grid_of({10, 0}, 2, 8, 4);
  grid.computes_full_tiles = false;
  grid.bands = {{"forward", 1, {2, 0}, {8, 8}},
                {"wgrad", 2, {2, 1}, {6, 0}},
                {"wgrad sums", 1, {1, 0}, {6, 0}, false}};
  return make_timeline(std::move(grid), {{1000, 2000, 0, 0, 0, 0},
                                         {1000, 1500, 0, 1, 1, 0},
                                         {4000, 5000, 0, 0, 0, 1},
                                         {4000, 4500, 0, 1, 1, 1},
                                         {5000, 6500, 0, 0, 0, 2},
                                         {4500, 5000, 0, 1, 1, 2},
                                         {5000, 5100, 1, 1, 0, 1},
                                         {5100, 5200, 1, 1, 0, 2},
                                         {6500, 7000, 0, 0, 0, 3}});
}

TEST(TileTimelineTest, EachOfSeveralPassesIsCutInItsOwnWay) {
  auto timeline = two_passes();
  EXPECT_THAT(timeline_faults(timeline), IsEmpty());
  EXPECT_EQ(timeline.grid.tiles(0), 7);
  EXPECT_EQ(timeline.grid.tiles(1), 2);
  const auto token_rows = [&](int expert, int row_tile, int column) {
    return rows_of(timeline.grid, {0, 1, expert, 0, row_tile, column}).computed();
  };
  EXPECT_EQ(token_rows(0, 1, 0), 2) << "10 rows in eights";
  EXPECT_EQ(token_rows(0, 1, 1), 4) << "10 rows in sixes";
  EXPECT_EQ(token_rows(1, 0, 1), 0) << "zeros are written";
  EXPECT_EQ(token_rows(0, 0, 3), 0) << "sums hold no rows";
  timeline.tiles.pop_back();
  EXPECT_THAT(timeline_faults(timeline), testing::Not(IsEmpty()));
}

TEST(TileTimelineTest, TimeBetweenPassesIsNotOfTheExperts) {
  const auto summary = summarise(two_passes());
  EXPECT_DOUBLE_EQ(summary.span_s, 1e-6 + 3e-6) << "1000-2000 and 4000-7000";
  ASSERT_EQ(summary.bands.size(), 3U);
  EXPECT_EQ(summary.bands[1].pass, "wgrad");
  EXPECT_EQ(summary.bands[1].tiles, 6);
  EXPECT_DOUBLE_EQ(summary.bands[1].span_s, 2.5e-6);
  EXPECT_DOUBLE_EQ(summary.bands[1].longest_s, 1.5e-6);
  EXPECT_EQ(summary.bands[1].longest_expert, 0);
  EXPECT_NEAR(summary.idle_fraction, 1 - summary.busy_s / (2 * summary.span_s), 1e-12);
  EXPECT_FALSE(std::isnan(summary.padding_share));
}

TEST(TileTimelineTest, PaddingShareIsTheShareOfRowsWhenTilesCostByRows) {
  auto grid = grid_of({5, 1}, 2, 4, 3);
  grid.computed_rows = {10, 10};
  const auto timeline = FakeKernel{grid}.run();
  EXPECT_THAT(timeline_faults(timeline), IsEmpty());
  EXPECT_NEAR(summarise(timeline).padding_share, 1 - 6.0 / 24, 1e-9);
}

TEST(TileTimelineTest, EveryScheduleIsSoundAndConservesTime) {
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    RandomStream stream({.seed = 22}, trial);
    std::vector<std::int64_t> rows(1 + stream.below(20));
    for (auto& count : rows) count = stream.below(300);
    rows[0] += 1;
    const auto grid = grid_of(rows, 1 + static_cast<int>(stream.below(8)), 32, 4);
    const auto timeline = FakeKernel{grid}.run();
    EXPECT_THAT(timeline_faults(timeline), IsEmpty()) << "trial " << trial;
    const auto summary = summarise(timeline);
    double tails = 0;
    for (const double tail_s : summary.worker_tail_s) tails += tail_s;
    EXPECT_NEAR(summary.busy_s + tails, grid.num_workers * summary.span_s, 1e-12);
    EXPECT_NEAR(std::accumulate(summary.expert_share.begin(), summary.expert_share.end(), 0.0), 1,
                1e-9);
  }
}

TEST(TileTimelineTest, FaultsAreNamed) {
  auto missing = by_hand();
  missing.tiles.pop_back();
  EXPECT_THAT(timeline_faults(missing), ElementsAre("Expert 1 has 2 tiles, 12 rows need 3."));
  auto twice = by_hand();
  twice.tiles[2].row_tile = 1;
  EXPECT_THAT(timeline_faults(twice), ElementsAre("Tile (1, 0) of expert 1 was computed twice."));
  auto overlapping = by_hand();
  overlapping.tiles[1].begin_ns = 1999;
  EXPECT_THAT(timeline_faults(overlapping), ElementsAre(HasSubstr("at one time")));
  auto backwards = by_hand();
  backwards.tiles[3].end_ns = 1500;
  EXPECT_THAT(timeline_faults(backwards), ElementsAre(HasSubstr("ends before it begins")));
  auto stranger = by_hand();
  stranger.tiles[3].worker = 9;
  EXPECT_THAT(timeline_faults(stranger),
              ElementsAre(HasSubstr("Expert 1 has 2"), HasSubstr("do not exist")));
}

}  // namespace
}  // namespace hotexpert
