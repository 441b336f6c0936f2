#include "profiler/timing_self_test.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "profiler/measure.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr double kShortWait_s = 1.0e-3;
constexpr double kLongWait_s = 1.25e-3;

/// Waits `wait_s` by the witness and reports how long that was by the clock.
Arm waiting_arm(std::string name, double wait_s, Clock& clock, Clock& witness) {
  return {std::move(name), [wait_s, &clock, &witness] {
            const double end_s = witness.now_s() + wait_s;
            const double start_s = clock.now_s();
            while (witness.now_s() < end_s) {
            }
            PhaseTimes times;
            times.total_s = clock.now_s() - start_s;
            return times;
          }};
}

KnownAnswer judged(std::string name, std::string question, double expected, double measured,
                   double tolerance) {
  KnownAnswer answer{std::move(name), expected, measured, tolerance, false, ""};
  answer.ok = std::abs(measured - expected) <= tolerance;
  answer.sentence =
      fmt::format("{}: expected {:.4g}, measured {:.4g}.", question, expected, measured);
  if (!answer.ok) {
    answer.sentence +=
        " Times measured on this machine are not to be trusted until this passes: stop other "
        "programs, and on a virtual machine check its clock source.";
  }
  return answer;
}

/// Waits around 1 ms, drawn by their number: noise whose median is known.
class NoisyWaits {
 public:
  NoisyWaits() {
    RandomStream stream({.seed = 31, .purpose = RandomPurpose::kTest, .step = 0, .layer = 0}, 0);
    for (auto& wait : waits_s_) wait = kShortWait_s * (0.9 + 0.2 * stream.uniform());
  }
  double next_s() { return used_s_.emplace_back(waits_s_[used_s_.size() % waits_s_.size()]); }
  /// Of the last `count` waits.
  [[nodiscard]] double median_s(std::size_t count) const {
    return median(std::span(used_s_).last(count));
  }

 private:
  std::array<double, 64> waits_s_{};
  std::vector<double> used_s_;
};

KnownAnswer noisy_answer(Clock& clock, Clock& witness) {
  NoisyWaits waits;
  const std::array arms = {
      Arm{"noisy", [&] { return waiting_arm("", waits.next_s(), clock, witness).run(); }}};
  MeasureOptions options;
  options.min_samples = options.max_samples = 40;
  const auto result = measure(arms, options, clock);
  const double planted_s = waits.median_s(result.arms[0].samples.size());
  return judged("noisy", "Median seconds of waits of 1 ms that scatter by 10 %", planted_s,
                median(totals_s(result.arms[0])), 0.025 * planted_s);
}

}  // namespace

std::vector<KnownAnswer> timing_self_test(Clock& clock, Clock& witness) {
  const std::array arms = {waiting_arm("short", kShortWait_s, clock, witness),
                           waiting_arm("again", kShortWait_s, clock, witness),
                           waiting_arm("long", kLongWait_s, clock, witness)};
  MeasureOptions options;
  options.min_samples = options.max_samples = 20;
  const auto result = measure(arms, options, clock);
  const auto& short_wait = result.arms[0];
  return {
      judged("length", "Seconds that a wait of 1 ms takes", kShortWait_s,
             median(totals_s(short_wait)), 0.02 * kShortWait_s),
      judged("ratio", "Share that 1.25 ms takes longer than 1 ms", kLongWait_s / kShortWait_s - 1,
             paired_ratio(result.arms[2], short_wait).value, 0.02),
      judged("same", "Difference of a wait from itself", 0,
             paired_ratio(result.arms[1], short_wait).value, 0.01),
      noisy_answer(clock, witness),
  };
}

}  // namespace hotexpert
