#include "kernels/cuda/plan/step_tiles.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "kernels/cuda/plan/clock_stamp.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

CudaKernelChoice choice_of(int tile_rows) {
  CudaKernelChoice choice;
  choice.engine = CudaEngine::kSm90;
  choice.tile_rows = tile_rows;
  choice.tile_columns = 256;
  return choice;
}

TEST(StepTilesTest, CountAndPutTogetherEveryTileOfBothProducts) {
  const auto plan = test::plan_of(
      test::route(300, 2, 6, [](auto t, int s) { return s == 0 ? 1 : int(2 + t % 3); }));
  for (const auto activation : {Activation::kSwiglu, Activation::kRelu}) {
    LayerShape shape;
    shape.num_experts = 6;
    shape.d_model = 600;
    shape.d_ff = 300;
    shape.activation = activation;
    for (const int tile_rows : {64, 128}) {
      const auto choice = choice_of(tile_rows);
      for (const auto& rows : {compact_rows(plan, shape), padded_rows(plan, shape)}) {
        // By hand: an expert's rows in tiles, columns in 128s of gates or in 256s.
        const int ups = activation == Activation::kSwiglu ? 3 : 2;
        std::vector<TileRecord> up;
        std::vector<TileRecord> down;
        for (int e = 0; e < 6; ++e) {
          for (int row = 0; row * tile_rows < rows.experts[static_cast<std::size_t>(e)].computed;
               ++row) {
            for (int column = 0; column < ups; ++column) up.push_back({1, 2, e, 0, row, column});
            for (int column = 0; column < 3; ++column) down.push_back({3, 4, e, 0, row, column});
          }
        }
        const auto counted = count_tiles(shape, choice, rows);
        EXPECT_EQ(counted.up, std::ssize(up));
        EXPECT_EQ(counted.down, std::ssize(down));
        const auto tiles = tiles_of_step(shape, choice, rows, 132, up, down);
        EXPECT_EQ(tiles.grid.column_tiles, ups + 3);
        EXPECT_EQ(tiles.grid.num_workers, 132);
        std::set<std::tuple<int, int, int>> places;
        for (const auto& tile : tiles.records) {
          EXPECT_LT(tile.column_tile, tiles.grid.column_tiles);
          EXPECT_EQ(tile.column_tile < ups, tile.begin_ns == 1) << "ups come first";
          places.emplace(tile.expert, tile.row_tile, tile.column_tile);
        }
        EXPECT_EQ(std::ssize(places), counted.up + counted.down);
      }
    }
  }
}

TEST(StepTilesTest, OnlyTheHopperKernelInOneLaunchRecordsTiles) {
  auto choice = choice_of(64);
  EXPECT_TRUE(records_tiles(choice));
  choice.strategy = CudaStrategy::kPadded;
  EXPECT_TRUE(records_tiles(choice));
  choice.strategy = CudaStrategy::kLoop;
  EXPECT_FALSE(records_tiles(choice));
  choice.strategy = CudaStrategy::kGrouped;
  choice.engine = CudaEngine::kMma;
  EXPECT_FALSE(records_tiles(choice));
}

TEST(ClockStampTest, CyclesOfAnyMultiprocessorComeOntoOneTimer) {
  // Two counters that started apart and run at 1.5 and 2 cycles a nanosecond.
  constexpr std::uint64_t kNow = 1'700'000'000'000'000'000;
  const std::vector<ClockStamp> before = {{5000, kNow}, {1'000'000'000'000, kNow + 32}};
  const std::vector<ClockStamp> after = {{5000 + 3'000'000, kNow + 2'000'000},
                                         {1'000'000'000'000 + 4'000'000, kNow + 32 + 2'000'000}};
  std::vector<TileRecord> tiles = {{5000 + 150, 5000 + 1500, 0, 0, 0, 0},
                                   {1'000'000'000'000 - 64, 1'000'000'000'000 + 936, 1, 1, 0, 0}};
  ASSERT_TRUE(anchor_tiles(before, after, tiles));
  EXPECT_EQ(tiles[0].begin_ns, kNow + 100);
  EXPECT_EQ(tiles[0].end_ns, kNow + 1000);
  EXPECT_EQ(tiles[1].begin_ns, kNow) << "before the stamp: the same line";
  EXPECT_EQ(tiles[1].end_ns, kNow + 500);
  EXPECT_NEAR(*clock_between(before, after), 2e9, 1);
}

TEST(ClockStampTest, ATileOfAMultiprocessorWithoutAStampLeavesAllTilesAsTheyWere) {
  const std::vector<ClockStamp> before = {{10, 100}, {}};
  const std::vector<ClockStamp> after = {{20, 200}, {20, 200}};
  std::vector<TileRecord> tiles = {{12, 14, 0, 0, 0, 0}, {12, 14, 0, 1, 0, 0}};
  const auto kept = tiles;
  EXPECT_FALSE(anchor_tiles(before, after, tiles));
  EXPECT_EQ(tiles, kept);
  tiles[1].worker = 2;
  EXPECT_FALSE(anchor_tiles(before, after, tiles));
  tiles[1].worker = -1;
  EXPECT_FALSE(anchor_tiles(before, after, tiles));
  EXPECT_FALSE(clock_between({}, {}));
}

}  // namespace
}  // namespace hotexpert
