#include "profiler/slowed_arm.hpp"

#include <gtest/gtest.h>

namespace hotexpert {
namespace {

/// A clock whose reads take 1 us.
class TickingClock final : public Clock {
 public:
  double now_s() override { return now_s_ += 1e-6; }
  [[nodiscard]] double resolution_s() const override { return 1e-6; }
  void advance(double seconds) { now_s_ += seconds; }

 private:
  double now_s_ = 0;
};

double seconds_of_a_millisecond(double factor) {
  TickingClock clock;
  const auto arm = slowed_arm({"layer",
                               [&clock] {
                                 clock.advance(1e-3);
                                 return PhaseTimes{};
                               }},
                              factor, clock);
  EXPECT_EQ(arm.name, "layer");
  return arm.run().total_s;
}

TEST(SlowedArmTest, TakesTheFactorTimesAsLongAsItsPass) {
  EXPECT_NEAR(seconds_of_a_millisecond(1.03), 1.03e-3, 4e-6);
  EXPECT_NEAR(seconds_of_a_millisecond(2), 2e-3, 6e-6);
}

TEST(SlowedArmTest, WaitsForNothingAtAFactorOfOne) {
  EXPECT_NEAR(seconds_of_a_millisecond(1), 1e-3, 4e-6);
}

}  // namespace
}  // namespace hotexpert
