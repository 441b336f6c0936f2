#include "sim/traces/skew_target.hpp"

#include <gtest/gtest.h>

#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

TEST(SkewTargetTest, HotExpertsReachAnEvenLoadToo) {
  // A share of 0 would kill the hot experts: 8/6 of the mean for the others, never 1.1.
  const auto trace = make_synthetic_trace({.num_experts = 8,
                                           .top_k = 2,
                                           .layers = 1,
                                           .tokens = 4096,
                                           .steps = 4,
                                           .model = "hot:experts=2",
                                           .target = "max_over_mean=1.1",
                                           .seed = 1});
  ASSERT_TRUE(trace->info().target.has_value());
  EXPECT_NEAR(trace->info().target->achieved, 1.1, 0.02);
}

}  // namespace
}  // namespace hotexpert
