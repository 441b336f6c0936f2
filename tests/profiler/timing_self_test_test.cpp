#include "profiler/timing_self_test.hpp"

#include <gtest/gtest.h>

namespace hotexpert {
namespace {

/// Two clocks of one machine: each read lets 1 us of true time pass; a clock shows it times its
/// rate.
struct TrueTime {
  double now_s = 0;
};

class RatedClock final : public Clock {
 public:
  RatedClock(TrueTime& time, double rate) : time_(time), rate_(rate) {}
  double now_s() override { return rate_ * (time_.now_s += 1e-6); }
  [[nodiscard]] double resolution_s() const override { return 1e-9; }

 private:
  TrueTime& time_;
  double rate_;
};

std::vector<bool> verdicts(double clock_rate) {
  TrueTime time;
  RatedClock clock(time, clock_rate);
  RatedClock witness(time, 1);
  std::vector<bool> passed;
  for (const auto& answer : timing_self_test(clock, witness)) passed.push_back(answer.ok);
  return passed;
}

TEST(TimingSelfTest, PassesWhenBothClocksAgree) {
  EXPECT_EQ(verdicts(1), (std::vector{true, true, true, true}));
}

TEST(TimingSelfTest, FindsAClockThatRunsFast) {
  EXPECT_EQ(verdicts(1.05), (std::vector{false, true, true, false}));
}

}  // namespace
}  // namespace hotexpert
