#include "kernels/cuda/plan/sm90_variants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LayerShape layer(int experts, int top_k, std::int64_t d_model, std::int64_t d_ff) {
  LayerShape shape;
  shape.num_experts = experts;
  shape.top_k = top_k;
  shape.d_model = d_model;
  shape.d_ff = d_ff;
  shape.dtype = DataType::kBf16;
  return shape;
}
const LayerShape kQwen3 = layer(128, 8, 2048, 768);
const LayerShape kMixtral = layer(8, 2, 4096, 14336);

CudaDevice gpu(int major) {
  CudaDevice device;
  device.name = "gpu";
  device.major = major;
  device.multiprocessors = 132;
  return device;
}

std::vector<UntimedVariant> variants_of(const LayerShape& shape, const char* kernel,
                                        std::int64_t tokens, int major = 9) {
  return untimed_variants(shape, choose_cuda_kernel(shape, kernel, tokens, gpu(major)), tokens);
}

std::vector<std::string> named(const LayerShape& shape, const char* kernel, std::int64_t tokens,
                               int major = 9) {
  std::vector<std::string> names;
  for (const auto& variant : variants_of(shape, kernel, tokens, major))
    names.push_back(variant.parameters);
  return names;
}

TEST(Sm90VariantsTest, AClusterIsNamedWhereExpertsHaveSeveralRowTiles) {
  // 128-row tiles: a third of the bytes is saved, so half a tile must be less than a sixth: m >
  // 384.
  EXPECT_THAT(named(kMixtral, "grouped", 380 * 4), IsEmpty());
  EXPECT_THAT(named(kMixtral, "grouped", 385 * 4), ElementsAre("cluster=2"));
  const auto variants = variants_of(kMixtral, "grouped-sm90", 8192);
  ASSERT_EQ(variants.size(), 1U);
  EXPECT_THAT(variants[0].reason, HasSubstr("32 instead of 48 KiB"));
  EXPECT_THAT(variants[0].reason, HasSubstr("about 3 % more tiles"));
}

TEST(Sm90VariantsTest, BulkStoresAreNamedWhereResultsWeighAndRowsAreFull) {
  // 768 inner values: 64 KiB of results beside 576 KiB of operands; m / 64 >= 3.5 for 3 of 4
  // groups.
  EXPECT_THAT(named(kQwen3, "grouped", 16 * 223), IsEmpty());
  EXPECT_THAT(named(kQwen3, "grouped", 16 * 224), ElementsAre("store=bulk"));
  EXPECT_THAT(named(kQwen3, "grouped", 8192), ElementsAre("cluster=2", "store=bulk"));
  EXPECT_THAT(variants_of(kQwen3, "grouped", 8192).back().reason,
              HasSubstr("10 % of a tile's bytes and 88 %"));
}

TEST(Sm90VariantsTest, NoneIsNamedForDecodeForOtherKernelsOrBesideAVariant) {
  EXPECT_THAT(named(kQwen3, "grouped", 256), IsEmpty());
  EXPECT_THAT(named(kQwen3, "grouped", 8192, 8), IsEmpty()) << "grouped-mma";
  EXPECT_THAT(named(kQwen3, "loop:gemm=own", 8192), IsEmpty());
  EXPECT_THAT(named(kQwen3, "grouped-cublas", 8192), IsEmpty());
  EXPECT_THAT(named(kQwen3, "grouped-sm90:cluster=2", 8192), IsEmpty());
  EXPECT_THAT(named(kQwen3, "grouped-sm90:store=bulk", 8192), IsEmpty());
  EXPECT_THAT(named(kMixtral, "grouped-sm90:order=dynamic", 8192), IsEmpty())
      << "a cluster's order is static";
}

TEST(Sm90VariantsTest, WhatIsNamedCanRun) {
  for (const auto& shape : {kQwen3, kMixtral}) {
    for (const auto& variant : variants_of(shape, "grouped-sm90", 8192)) {
      EXPECT_FALSE(cuda_unsupported(shape, "grouped-sm90:" + variant.parameters, gpu(9)))
          << variant.parameters;
    }
  }
}

}  // namespace
}  // namespace hotexpert
