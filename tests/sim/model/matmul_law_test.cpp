#include "sim/model/matmul_law.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/model/tile_choice.hpp"
#include "tests/sim/model/shipped_device.hpp"

namespace hotexpert {
namespace {

DeviceDescription toy_device() {
  DeviceDescription device = shipped_device("h100-sxm");
  device.units = 10;
  device.cache_bytes = 1e6;
  device.constants.memory_bytes_per_s = 1e12;
  device.constants.math_flops_per_s = 1e14;
  device.constants.feed_bytes_per_s = 1e13;
  device.constants.overlap_exponent = 2;
  return device;
}

LoadSummary load_of(const std::vector<std::int64_t>& rows) { return summarize(1, rows); }

TEST(MatmulLawTest, WholeWavesOfTilesAtTheSlowerOfMathAndFeed) {
  DeviceDescription device = toy_device();
  device.constants.memory_bytes_per_s = 1e30;
  const MatmulSize size{1024, 512, 2};
  // 3 + 1 row tiles of 128, 8 columns of 128: 32 tiles on 10 units = 4 waves.
  const auto time =
      tiled_matmul_time(device, DataType::kBf16, size, load_of({300, 5}), {128, 128}, 1e9);
  const double math = 2.0 * 128 * 128 / 1e13;
  const double feed = 2.0 * 256 / 1e12;
  ASSERT_GT(math, feed);
  EXPECT_NEAR(time.total_s, 4 * 512 * math, 1e-12 * time.total_s);
  // Few rows a tile: feed binds. 16 + 128 operand rows against 2 * 16 * 128 operations.
  const auto thin = tiled_matmul_time(device, DataType::kBf16, size, load_of({10}), {16, 128}, 1e9);
  EXPECT_NEAR(thin.total_s, 1 * 512 * std::max(2.0 * 16 * 128 / 1e13, 2.0 * 144 / 1e12), 1e-15);
}

TEST(MatmulLawTest, WeightsOfActiveExpertsOnlyAndRowsComeFromMemory) {
  DeviceDescription device = toy_device();
  device.constants.math_flops_per_s = 1e30;
  device.constants.feed_bytes_per_s = 1e30;
  const MatmulSize size{1024, 512, 2};
  const auto time =
      tiled_matmul_time(device, DataType::kBf16, size, load_of({0, 3, 0, 2}), {16, 128}, 1e9);
  EXPECT_NEAR(time.total_s, (2 * 1024 * 512 * 2 + 5 * 1536 * 2) / 1e12, 1e-18);
}

TEST(MatmulLawTest, WeightsThatFitInTheCacheAreMostlyFoundThere) {
  DeviceDescription device = toy_device();
  device.constants.math_flops_per_s = 1e30;
  device.constants.feed_bytes_per_s = 1e30;
  const MatmulSize size{1024, 512, 2};
  const auto load = load_of({1});
  const double rows_s = 1536 * 2 / 1e12;
  const auto at = [&](double footprint) {
    return tiled_matmul_time(device, DataType::kBf16, size, load, {16, 128}, footprint).total_s -
           rows_s;
  };
  EXPECT_NEAR(at(0.25e6) / at(5e6), 0.25, 1e-9);
  EXPECT_NEAR(at(1e6), at(5e6), 1e-18);
}

TEST(MatmulLawTest, RowsBeyondTheCacheAreReadAgainForEachPassOverTheColumns) {
  DeviceDescription device = toy_device();
  device.constants.math_flops_per_s = 1e30;
  device.constants.feed_bytes_per_s = 1e30;
  const MatmulSize size{1024, 512, 2};
  // 2,560 rows of 512 elements: 2.62 MB against 1 MB of cache; 20 row tiles on 10 units, so each
  // pass covers one of 8 columns: 7 passes more.
  const auto load = load_of({2560});
  const double hottest = 2560 * 512 * 2;
  const double once = 1024 * 512 * 2 + 2560 * 1536 * 2;
  const auto time = tiled_matmul_time(device, DataType::kBf16, size, load, {128, 128}, 1e9);
  EXPECT_NEAR(time.total_s, (once + 7 * (hottest - 1e6)) / 1e12, 1e-15);
}

TEST(MatmulLawTest, ThreadsShareTasksAndTheLastRoundMayNotBeFull) {
  DeviceDescription device = toy_device();
  device.units = 2;
  device.program.tiles.clear();
  device.program.task_rows = 256;
  device.program.task_columns = 512;
  device.constants.memory_bytes_per_s = 1e30;
  const MatmulSize up{1024, 512, 2, 512};  // gate and up together: one block of outputs
  const auto seconds = [&](const std::vector<std::int64_t>& rows) {
    return task_matmul_time(device, DataType::kBf16, up, load_of(rows), 1e9).total_s;
  };
  const double row_s = 2.0 * 1024 * 512 / 1e14;
  const double weights_s = 1024.0 * 512 * 2 / 1e13;
  // One task leaves a thread idle, two do not: 256 rows take as long as 512.
  EXPECT_NEAR(seconds({256}), 2 * (256 * row_s + weights_s), 1e-15);
  EXPECT_NEAR(seconds({512}), 512 * row_s + 2 * weights_s, 1e-15);
  // Three parts of 200 rows: two rounds.
  EXPECT_NEAR(seconds({600}), (600 * row_s + 3 * weights_s) * 4 / 3, 1e-15);
  device.program.task_rows = 0;
  EXPECT_NEAR(seconds({600, 0, 1}), 601 * row_s + 2 * weights_s, 1e-15);
}

TEST(MatmulLawTest, PartsAddUpToTheOverlappedTotal) {
  const DeviceDescription device = toy_device();
  const MatmulSize size{1024, 512, 2};
  const auto load = load_of({300, 5});
  const auto time = tiled_matmul_time(device, DataType::kBf16, size, load, {128, 128}, 1e9);
  EXPECT_NEAR(time.math_s + time.memory_s, time.total_s, 1e-18);
  const double math = 4 * 512 * 2.0 * 128 * 128 / 1e13;
  const double memory = (2 * 1024 * 512 * 2 + 305 * 1536 * 2) / 1e12;
  EXPECT_NEAR(time.total_s, std::sqrt(math * math + memory * memory), 1e-15);
  EXPECT_NEAR(time.math_s / time.memory_s, math * math / (memory * memory), 1e-9);
}

TEST(TileChoiceTest, WeightsSumToOneAndFavourTheFastestTile) {
  const DeviceDescription device = shipped_device("h100-sxm");
  LayerShape shape;
  shape.num_experts = 8;
  shape.top_k = 2;
  const MatmulSize size{28672, 4096, 2};
  for (const std::int64_t tokens : {1, 64, 1024, 8192}) {
    const LoadSummary load = uniform_summary(shape, 8, tokens);
    const TileChoice choice = tuned_choice(device, DataType::kBf16, size, load, 2.8e9);
    double sum = 0;
    std::size_t likeliest = 0;
    for (std::size_t i = 0; i < choice.weight.size(); ++i) {
      sum += choice.weight[i];
      if (choice.weight[i] > choice.weight[likeliest]) likeliest = i;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    const int rows = device.program.tiles[likeliest].rows;
    if (tokens == 1) {
      EXPECT_EQ(rows, 16);
    }
    if (tokens == 8192) {
      EXPECT_GE(rows, 128);
    }
  }
}

}  // namespace
}  // namespace hotexpert
