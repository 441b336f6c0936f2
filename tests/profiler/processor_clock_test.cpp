#include "profiler/processor_clock.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace hotexpert {
namespace {

/// Stretches last as long as the test says.
class ScriptedClock final : public Clock {
 public:
  explicit ScriptedClock(std::vector<double> stretches_s) : stretches_s_(std::move(stretches_s)) {}
  double now_s() override {
    if (reads_++ % 2 == 1) now_s_ += stretches_s_[(reads_ / 2 - 1) % stretches_s_.size()];
    return now_s_;
  }
  [[nodiscard]] double resolution_s() const override { return 1e-9; }

 private:
  std::vector<double> stretches_s_;
  std::size_t reads_ = 0;
  double now_s_ = 0;
};

TEST(ProcessorClockTest, TheFastestStretchCounts) {
  ScriptedClock steady({8e-6});
  EXPECT_NEAR(processor_clock_hz(steady), 2.5e9, 1);
  ScriptedClock interrupted({500e-6, 8e-6, 40e-6});
  EXPECT_NEAR(processor_clock_hz(interrupted), 2.5e9, 1);
}

TEST(ProcessorClockTest, AClockThatStandsStillGivesNoInfinity) {
  ScriptedClock frozen({0});
  EXPECT_EQ(processor_clock_hz(frozen), 0);
}

TEST(ProcessorClockTest, SpinsAsOftenAsAsked) {
  EXPECT_EQ(spin_dependent_additions(0), 0);
  EXPECT_EQ(spin_dependent_additions(64), 64);
  EXPECT_EQ(spin_dependent_additions(65), 96);
}

TEST(ProcessorClockTest, OnThisMachineItIsAClock) {
  SteadyClock clock;
  const double hz = processor_clock_hz(clock);
  EXPECT_GT(hz, 1e6);
  EXPECT_LT(hz, 2e10) << "additions of a chain cannot overlap";
}

}  // namespace
}  // namespace hotexpert
