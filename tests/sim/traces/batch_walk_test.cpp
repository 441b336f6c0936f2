#include "sim/traces/batch_walk.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

TEST(BatchWalkTest, CountsEqualLoadsForAnyNumberOfThreads) {
  SyntheticSpec spec;
  spec.layers = 3;
  spec.steps = 20;
  spec.tokens = 50;
  spec.model = "zipf";
  const auto trace = make_synthetic_trace(spec);
  const auto one = count_loads(*trace, 1);
  std::int64_t total = 0;
  for (const auto c : one.load) total += c;
  EXPECT_EQ(total, 3 * 20 * 50 * 2);
  EXPECT_EQ(count_loads(*trace, 2).load, one.load);
  EXPECT_EQ(count_loads(*trace, 100).load, one.load);
}

TEST(BatchWalkTest, TheEarliestErrorIsReported) {
  SyntheticSpec spec;
  spec.steps = 200;
  spec.tokens = 20;
  const auto trace = make_synthetic_trace(spec);
  for (int round = 0; round < 20; ++round) {
    try {
      for_each_batch(*trace, 3, [](const RoutingBatch& batch) {
        if (batch.step >= 7) throw std::runtime_error(std::to_string(batch.step));
      });
      FAIL() << "no error";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "7");
    }
  }
}

}  // namespace
}  // namespace hotexpert
