#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "profiler/clock.hpp"
#include "profiler/measure.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {

/// Time that passes only when something is run.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(double resolution_s = 1e-9) : resolution_s_(resolution_s) {}
  double now_s() override { return now_s_; }
  [[nodiscard]] double resolution_s() const override { return resolution_s_; }
  void advance(double seconds) { now_s_ += seconds; }

 private:
  double now_s_ = 0;
  double resolution_s_;
};

/// A machine on which every run takes a time that the test decides: base x noise x drift, and now
/// and then an outlier. Runs advance the clock.
class FakeMachine {
 public:
  double noise = 0;          ///< standard deviation of the logarithm of a run's time
  double drift_per_run = 0;  ///< relative change of the speed from one run to the next
  double outlier_share = 0;  ///< of runs that take `outlier_factor` times as long
  double outlier_factor = 3;
  double cold_factor = 1;  ///< the first `cold_runs` runs take this much longer
  int cold_runs = 0;
  std::string order;  ///< the first letter of every run's arm

  explicit FakeMachine(std::uint32_t trial = 0)
      : stream_({.seed = 20, .purpose = RandomPurpose::kTest, .step = 0, .layer = 0}, trial) {}

  FakeClock& clock() { return clock_; }

  /// An arm that takes `base_s` seconds on an idle, steady machine.
  Arm arm(std::string name, double base_s) {
    return {name, [this, name, base_s] {
              order += name.front();
              PhaseTimes times;
              times.total_s = base_s * next_factor();
              clock_.advance(times.total_s);
              return times;
            }};
  }

 private:
  double next_factor() {
    double factor = 1 + drift_per_run * runs_;
    factor *= std::exp(noise * stream_.normal());
    if (stream_.uniform() < outlier_share) factor *= outlier_factor;
    if (runs_ < cold_runs) factor *= cold_factor;
    ++runs_;
    return factor;
  }

  FakeClock clock_;
  RandomStream stream_;
  int runs_ = 0;
};

/// What a machine's witness sees, from a planted trace: fixed work by its number, and a share of
/// the time that others take the processor away.
class FakeWitness final : public MachineWitness {
 public:
  FakeWitness(Clock& clock, double waited_share, std::function<double(int probe)> probe_s)
      : clock_(clock), waited_share_(waited_share), probe_s_(std::move(probe_s)) {}
  double waited_s() override { return waited_share_ * clock_.now_s(); }
  double probe_s() override { return probe_s_(probes_++); }

 private:
  Clock& clock_;
  double waited_share_;
  std::function<double(int)> probe_s_;
  int probes_ = 0;
};

}  // namespace hotexpert
