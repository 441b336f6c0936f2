#include <gtest/gtest.h>

#include "tests/devices/small_layer.hpp"

namespace hotexpert {
namespace {

using test::fake_cuda;
using test::SmallLayer;

class LayerOnFakeDevice : public testing::TestWithParam<SmallLayer> {
 protected:
  void SetUp() override { test::reset_fake_cuda(); }
};

/// The fake computes what the reference computes, so a wrong number in the tests beside this one
/// comes from the host code.
TEST_P(LayerOnFakeDevice, IsRightAndLeavesNothingBehind) {
  const auto life = test::live(GetParam());
  EXPECT_LE(life.worst_error, test::tolerance(GetParam()));
  EXPECT_GT(life.total_s, 0);
  EXPECT_NEAR(life.clock_hz, 1.7e9, 1e7);
  EXPECT_EQ(fake_cuda().leaks(), "");
  EXPECT_EQ(fake_cuda().misuse, std::vector<std::string>{});
  EXPECT_EQ(fake_cuda().endless_waits, 0);
}

TEST_P(LayerOnFakeDevice, GivesTheSameBitsAgain) {
  const auto first = test::live(GetParam());
  EXPECT_EQ(test::live(GetParam()).out, first.out);
}

INSTANTIATE_TEST_SUITE_P(Kernels, LayerOnFakeDevice, testing::ValuesIn(test::small_layers()),
                         [](const auto& row) { return test::name_of(row.param); });

TEST(LayerTraceOnFakeDevice, HasTheTilesOfTheTracedKernelsOnly) {
  test::reset_fake_cuda();
  EXPECT_EQ(test::live({"grouped-sm90", DataType::kBf16, LayerPass::kForward}).untraced, "");
  EXPECT_EQ(test::live({"padded:gemm=own", DataType::kBf16, LayerPass::kForward}).untraced, "");
  EXPECT_NE(test::live({"loop", DataType::kBf16, LayerPass::kForward}).untraced, "");
}

}  // namespace
}  // namespace hotexpert
