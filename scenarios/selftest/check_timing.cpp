#include <fmt/format.h>

#include <array>

#include "profiler/measure.hpp"
#include "profiler/slowed_arm.hpp"
#include "profiler/timing_self_test.hpp"
#include "reports/gate/gate.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "scenarios/selftest/small_layer.hpp"

namespace hotexpert {
namespace {

constexpr int kComparisons = 100;
constexpr int kMinSamples = 30;
constexpr int kMaxSamples = 200;      // of an arm, on a noisy machine
constexpr double kPrecision = 0.004;  // of each arm's median; says nothing of their difference
constexpr double kComparisonBudget_s = 0.4;
constexpr double kSlowdown = 0.03;
constexpr double kThreshold = 0.01;

/// A kernel of about a millisecond on one thread: long against the clock, short enough for 100.
LayerShape timed_shape() {
  LayerShape shape;
  shape.d_model = 128;
  shape.d_ff = 128;
  return shape;
}
constexpr std::int64_t kTimedTokens = 768;

/// Comparisons of the kernel with itself, the second one slowed down: what the gate calls them.
struct Verdicts {
  int slower = 0;
  int faster = 0;
};

struct Comparisons {
  Verdicts any;     ///< without a threshold
  Verdicts beyond;  ///< by more than kThreshold
};

void note(const ComparedPair& pair, double threshold, Verdicts& out) {
  std::vector<ComparedPair> one = {pair};
  GateOptions options;
  options.threshold = threshold;
  judge(one, options);
  out.slower += one[0].verdict == PairVerdict::kSlower;
  out.faster += one[0].verdict == PairVerdict::kFaster;
}

Comparisons compare_with_itself(double slowdown) {
  const auto backend = layer_backends().front().make({1, {}});
  SmallLayer small(*backend, timed_shape(), "grouped", kTimedTokens);
  SteadyClock clock;
  MeasureOptions options;
  options.min_samples = kMinSamples;
  options.max_samples = kMaxSamples;
  options.target_relative_half_width = kPrecision;
  options.time_budget_s = kComparisonBudget_s;
  options.max_warmup_windows = 3;
  Comparisons out;
  const auto pass = [&small] { return small.layer->run(small.handle); };
  const std::array arms = {slowed_arm({"base", pass}, 1, clock),
                           slowed_arm({"new", pass}, 1 + slowdown, clock)};
  for (int i = 0; i < kComparisons; ++i) {
    const auto measured = measure(arms, options, clock);
    const auto pair = compare_samples(totals_s(measured.arms[0]), totals_s(measured.arms[1]), true);
    note(pair, 0, out.any);
    note(pair, kThreshold, out.beyond);
  }
  return out;
}

/// `found` counts of `kComparisons` that must lie in [least, most].
SelfCheckAnswer counted(std::string what, int found, int least, int most) {
  const double middle = (least + most) / 2.0;
  return {.what = std::move(what),
          .found = static_cast<double>(found),
          .expected = middle,
          .tolerance = middle - least,
          .note = fmt::format("of {}, {} to {} allowed", kComparisons, least, most)};
}

}  // namespace

std::vector<SelfCheckAnswer> check_known_waits() {
  SteadyClock clock;
  RawMonotonicClock witness;
  std::vector<SelfCheckAnswer> answers;
  for (const auto& answer : timing_self_test(clock, witness))
    answers.push_back({.what = answer.name,
                       .found = answer.measured,
                       .expected = answer.expected,
                       .tolerance = answer.tolerance,
                       .note = answer.ok ? "" : answer.sentence});
  return answers;
}

std::vector<SelfCheckAnswer> check_gate_on_equals() {
  const auto seen = compare_with_itself(0);
  return {
      counted("called different at 5 %, no threshold", seen.any.slower + seen.any.faster, 0, 13),
      counted("called different with the 1 % threshold", seen.beyond.slower + seen.beyond.faster, 0,
              3)};
}

std::vector<SelfCheckAnswer> check_gate_on_slowdown() {
  const auto seen = compare_with_itself(kSlowdown);
  return {counted("called SLOWER when 3 % slower, 1 % threshold", seen.beyond.slower, 95,
                  kComparisons)};
}

}  // namespace hotexpert
