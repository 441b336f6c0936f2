#include "kernels/cuda/plan/cuda_kernels.hpp"

#include <gtest/gtest.h>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

CudaDevice h100() {
  CudaDevice device;
  device.name = "H100";
  device.major = 9;
  device.multiprocessors = 132;
  return device;
}

CudaDevice a100() {
  CudaDevice device = h100();
  device.name = "A100";
  device.major = 8;
  device.multiprocessors = 108;
  return device;
}

LayerShape qwen3(DataType dtype = DataType::kBf16) {
  LayerShape shape;
  shape.num_experts = 128;
  shape.top_k = 8;
  shape.d_model = 2048;
  shape.d_ff = 768;
  shape.dtype = dtype;
  return shape;
}

TEST(CudaKernelsTest, EveryRowResolvesOnADeviceThatHasIt) {
  for (const auto& row : cuda_kernels()) {
    EXPECT_FALSE(cuda_unsupported(qwen3(), row.name, h100())) << row.name;
    const auto choice = choose_cuda_kernel(qwen3(), row.name, 4096, h100());
    EXPECT_EQ(choice.strategy, row.strategy) << row.name;
    if (choice.engine == CudaEngine::kCublas) continue;
    EXPECT_GT(choice.blocks, 0) << row.name;
    EXPECT_GT(column_tiles(choice, 768, true), 0) << row.name;
    EXPECT_FALSE(choice.reason.empty()) << row.name;
  }
}

TEST(CudaKernelsTest, GroupedIsTheBestOfTheDevice) {
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped", 4096, h100()).engine, CudaEngine::kSm90);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped", 4096, a100()).engine, CudaEngine::kMma);
  EXPECT_EQ(choose_cuda_kernel(qwen3(DataType::kFp32), "grouped", 4096, h100()).engine,
            CudaEngine::kPlain);
}

TEST(CudaKernelsTest, FewRowsAnExpertTakeShortTilesUnlessAsked) {
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped-sm90", 256, h100()).tile_rows, 64);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped-sm90", 1024, h100()).tile_rows, 64);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped-sm90", 1025, h100()).tile_rows, 128);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped-sm90:tile_rows=128", 256, h100()).tile_rows, 128);
}

TEST(CudaKernelsTest, TheUpProductOfSwigluHasTilesOfHalfTheColumns) {
  const auto sm90 = choose_cuda_kernel(qwen3(), "grouped-sm90", 4096, h100());
  EXPECT_EQ(column_tiles(sm90, 768, true), 6);
  EXPECT_EQ(column_tiles(sm90, 2048, false), 8);
  EXPECT_EQ(column_tiles(sm90, 2880, false), 12) << "the last is partly empty";
  const auto mma = choose_cuda_kernel(qwen3(), "grouped-mma", 4096, h100());
  EXPECT_EQ(column_tiles(mma, 768, true), 12);
  const auto plain = choose_cuda_kernel(qwen3(), "grouped-plain", 4096, h100());
  EXPECT_EQ(column_tiles(plain, 768, true), 12);
  EXPECT_EQ(column_tiles(plain, 768, false), 12);
}

TEST(CudaKernelsTest, ParametersReachTheChoice) {
  const auto choice = choose_cuda_kernel(
      qwen3(), "grouped-sm90:order=hot-first:launch=eager:cache=steady:layers=3", 4096, h100());
  EXPECT_EQ(choice.order, TileOrder::kHotFirst);
  EXPECT_FALSE(choice.graph);
  EXPECT_EQ(choice.cache, CacheState::kSteady);
  EXPECT_EQ(choice.weight_sets, 3);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "streams:streams=4", 4096, h100()).streams, 4);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "loop:gemm=own", 4096, h100()).engine, CudaEngine::kSm90);
  EXPECT_FALSE(choose_cuda_kernel(qwen3(), "grouped-cublas", 4096, h100()).graph)
      << "its host sync is part of its time";
  EXPECT_THROW((void)choose_cuda_kernel(qwen3(), "grouped-sm90:colour=2", 1, h100()), UsageError);
  EXPECT_THROW((void)cuda_unsupported(qwen3(), "gruped", h100()), UsageError);
}

TEST(CudaKernelsTest, AClusterSharesTheWeightsOfATwiceAsTallTile) {
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped-sm90", 4096, h100()).scheduled_rows(), 128);
  const auto two = choose_cuda_kernel(qwen3(), "grouped-sm90:cluster=2", 4096, h100());
  EXPECT_EQ(two.cluster, 2);
  EXPECT_EQ(two.scheduled_rows(), 256);
  EXPECT_NE(two.reason.find("two blocks share"), std::string::npos);
  EXPECT_EQ(choose_cuda_kernel(qwen3(), "grouped:cluster=2", 4096, a100()).cluster, 1);
  EXPECT_TRUE(cuda_unsupported(qwen3(), "grouped-sm90:cluster=2:order=dynamic", h100()));
  EXPECT_TRUE(cuda_unsupported(qwen3(), "grouped-sm90:cluster=2:store=bulk", h100()));
  EXPECT_TRUE(choose_cuda_kernel(qwen3(), "grouped-sm90:store=bulk", 4096, h100()).bulk_store);
  EXPECT_FALSE(cuda_unsupported(qwen3(), "grouped-sm90:cluster=2:order=hot-first", h100()));
}

TEST(CudaKernelsTest, SaysWhatCannotRunAndWhatCan) {
  EXPECT_NE(cuda_unsupported(qwen3(), "grouped-sm90", a100())->find("grouped-mma"),
            std::string::npos);
  EXPECT_NE(cuda_unsupported(qwen3(DataType::kFp32), "grouped-sm90", h100())->find("bf16"),
            std::string::npos);
  EXPECT_FALSE(cuda_unsupported(qwen3(DataType::kFp32), "padded:gemm=own", h100()));
  auto odd = qwen3();
  odd.d_ff = 36;
  EXPECT_NE(cuda_unsupported(odd, "grouped", h100())->find("multiples of 8"), std::string::npos);
  odd.dtype = DataType::kFp32;
  EXPECT_FALSE(cuda_unsupported(odd, "grouped", h100()));
  auto many = qwen3();
  many.num_experts = 4096;
  EXPECT_TRUE(cuda_unsupported(many, "grouped", h100()));
  auto old = a100();
  old.major = 7;
  EXPECT_TRUE(cuda_unsupported(qwen3(), "loop", old));
}

}  // namespace
}  // namespace hotexpert
