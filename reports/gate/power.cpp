#include "reports/gate/power.hpp"

#include <fmt/format.h>

#include <array>

#include "reports/gate/rank_tests.hpp"
#include "reports/number_format.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr std::array kSlowdowns = {0.005, 0.01, 0.02, 0.03, 0.05, 0.10, 0.20, 0.50};
constexpr double kFoundOften = 0.95;
constexpr double kTooManyAlarms = 0.10;
constexpr std::size_t kMaxInjected = 3;  // slowdowns timed before giving up

using SamplePair = std::pair<std::vector<double>, std::vector<double>>;

/// Each pair is a gate of one point: the adjustment for many is the runs' own affair.
PairVerdict verdict_of(const SamplePair& samples, bool paired, const GateOptions& options) {
  std::vector<ComparedPair> one = {compare_samples(samples.first, samples.second, paired)};
  judge(one, options);
  return one[0].verdict;
}

std::string list_of(const std::vector<FoundSlowdown>& tried) {
  std::string out;
  for (const auto& [slowdown, found] : tried)
    out += fmt::format("{}{} in {}", out.empty() ? "" : ", ", percent(slowdown), percent(found));
  return out;
}

Json json_of(const std::vector<FoundSlowdown>& tried) {
  Json out = Json::array();
  for (const auto& [slowdown, found] : tried)
    out.push(Json::object().set("slowdown", slowdown).set("found", found));
  return out;
}

double spread_of(const std::vector<double>& samples) {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / median(samples);
}

}  // namespace

GatePower measure_power(const PairSource& source, bool paired, const GateOptions& options,
                        int repetitions) {
  GatePower power;
  power.comparisons = repetitions;
  int alarms = 0;
  for (int i = 0; i < repetitions; ++i) {
    const auto verdict = verdict_of(source(i, 1), paired, options);
    alarms += verdict == PairVerdict::kFaster || verdict == PairVerdict::kSlower;
  }
  power.false_alarm_rate = static_cast<double>(alarms) / repetitions;
  for (const double slowdown : kSlowdowns) {
    int hits = 0;
    for (int i = 0; i < repetitions; ++i)
      hits += verdict_of(source(i, 1 + slowdown), paired, options) == PairVerdict::kSlower;
    const double found = static_cast<double>(hits) / repetitions;
    power.found.push_back({slowdown, found});
    if (found >= kFoundOften && !power.smallest_effect) power.smallest_effect = slowdown;
  }
  return power;
}

GatePower measure_power_anew(const PairMeasurer& measure, const GateOptions& options,
                             int repetitions, const std::function<bool()>& should_stop) {
  const auto stopped = [&] { return should_stop && should_stop(); };
  std::vector<SamplePair> equals;
  while (static_cast<int>(equals.size()) < repetitions && !stopped()) equals.push_back(measure(1));
  if (stopped()) return {};
  const PairSource slowed = [&](int i, double slowdown) {
    SamplePair pair = equals[static_cast<std::size_t>(i)];
    for (double& sample : pair.second) sample *= slowdown;
    return pair;
  };
  GatePower power = measure_power(slowed, false, options, repetitions);
  const double from = power.smallest_effect.value_or(kSlowdowns.back());
  power.smallest_effect.reset();
  for (const double slowdown : kSlowdowns) {
    if (slowdown < from || power.injected.size() == kMaxInjected) continue;
    int hits = 0;
    for (int i = 0; i < repetitions && !stopped(); ++i)
      hits += verdict_of(measure(1 + slowdown), false, options) == PairVerdict::kSlower;
    if (stopped()) return power;
    power.injected.push_back({slowdown, static_cast<double>(hits) / repetitions});
    if (power.injected.back().found < kFoundOften) continue;
    power.smallest_effect = slowdown;
    break;
  }
  return power;
}

PairSource resample(std::vector<double> samples, std::uint64_t seed) {
  return [samples = std::move(samples), seed](int repetition, double slowdown) {
    RandomStream stream({seed, RandomPurpose::kBootstrap, 0, 0},
                        static_cast<std::uint32_t>(repetition));
    const auto draw = [&](double factor) {
      std::vector<double> out;
      for (std::size_t i = 0; i < samples.size(); ++i)
        out.push_back(samples[stream.below(static_cast<std::uint32_t>(samples.size()))] * factor);
      return out;
    };
    auto base = draw(1);
    return std::pair{std::move(base), draw(slowdown)};
  };
}

const PointResult& noisiest_point(const Run& run, const GateOptions& options) {
  const PointResult* noisiest = nullptr;
  double largest = 0;
  for (const auto& point : run.points) {
    const auto* found = point.find(options.metric);
    if (found == nullptr || found->samples.size() < kMinGateSamples) continue;
    const double spread = spread_of(found->samples);
    if (noisiest != nullptr && spread <= largest) continue;
    noisiest = &point;
    largest = spread;
  }
  if (noisiest == nullptr) {
    throw UsageError(
        fmt::format("{}: no point has {} samples of {}: the gate cannot be checked; "
                    "measure more samples",
                    run.dir, kMinGateSamples, options.metric));
  }
  return *noisiest;
}

GatePower power_of(const Run& run, const GateOptions& options, int repetitions) {
  const auto& samples = noisiest_point(run, options).find(options.metric)->samples;
  GatePower power = measure_power(resample(samples, 1), false, options, repetitions);
  power.origin = "drawn from the noisiest point's own samples";
  return power;
}

std::vector<std::string> power_sentences(const GatePower& power) {
  std::vector<std::string> out;
  out.push_back(fmt::format("Self-check, {}: of {} comparisons of equals {} are called different.",
                            power.origin, power.comparisons, percent(power.false_alarm_rate)));
  out.push_back(
      fmt::format("The smallest slowdown found in 95 % of comparisons is {} ({}: {}).",
                  power.smallest_effect ? percent(*power.smallest_effect) : "none of those tried",
                  power.injected.empty() ? "found" : "the layer made to wait",
                  list_of(power.injected.empty() ? power.found : power.injected)));
  return out;
}

Json power_json(const GatePower& power) {
  Json out;
  out.set("origin", power.origin).set("comparisons", power.comparisons);
  out.set("false_alarm_rate", power.false_alarm_rate);
  out.set("smallest_effect", power.smallest_effect ? Json(*power.smallest_effect) : Json());
  return out.set("slowdowns", json_of(power.found)).set("injected", json_of(power.injected));
}

void require_power(const GatePower& power, const GateOptions& options) {
  if (power.false_alarm_rate > kTooManyAlarms) {
    throw UsageError(
        fmt::format("the gate calls {} of equal measurements different: the machine is too "
                    "noisy for a verdict; take more samples or raise the threshold",
                    percent(power.false_alarm_rate)));
  }
  if (!options.fail_on) return;
  if (!power.smallest_effect || *options.fail_on < *power.smallest_effect) {
    throw UsageError(fmt::format(
        "--fail-on {} is below the smallest slowdown these samples can show ({}): take more "
        "samples, or "
        "raise it",
        percent(*options.fail_on),
        power.smallest_effect ? percent(*power.smallest_effect) : "none of those tried"));
  }
}

}  // namespace hotexpert
