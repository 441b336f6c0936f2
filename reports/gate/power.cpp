#include "reports/gate/power.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "reports/gate/rank_tests.hpp"
#include "reports/number_format.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr std::array kSlowdowns = {0.005, 0.01, 0.02, 0.03, 0.05, 0.10, 0.20, 0.50};
constexpr double kFoundOften = 0.95;
constexpr double kTooManyAlarms = 0.10;

std::vector<ComparedPair> judged(const PairSource& source, bool paired, const GateOptions& options,
                                 int repetitions, double slowdown) {
  std::vector<ComparedPair> pairs;
  for (int i = 0; i < repetitions; ++i) {
    const auto [base, now] = source(i, slowdown);
    // Each is a gate of one point: the adjustment for many is the runs' own affair.
    std::vector<ComparedPair> one = {compare_samples(base, now, paired)};
    judge(one, options);
    pairs.push_back(std::move(one[0]));
  }
  return pairs;
}

double spread_of(const std::vector<double>& samples) {
  return (quantile(samples, 0.75) - quantile(samples, 0.25)) / median(samples);
}

}  // namespace

GatePower measure_power(const PairSource& source, bool paired, const GateOptions& options,
                        int repetitions) {
  GatePower power;
  int alarms = 0;
  for (const auto& pair : judged(source, paired, options, repetitions, 1))
    alarms += pair.verdict == PairVerdict::kFaster || pair.verdict == PairVerdict::kSlower;
  power.false_alarm_rate = static_cast<double>(alarms) / repetitions;
  for (const double slowdown : kSlowdowns) {
    int hits = 0;
    for (const auto& pair : judged(source, paired, options, repetitions, 1 + slowdown))
      hits += pair.verdict == PairVerdict::kSlower;
    const double share = static_cast<double>(hits) / repetitions;
    power.found.emplace_back(slowdown, share);
    if (share >= kFoundOften && !power.smallest_effect) power.smallest_effect = slowdown;
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

GatePower power_of(const Run& run, const GateOptions& options, int repetitions) {
  const std::vector<double>* noisiest = nullptr;
  for (const auto& point : run.points) {
    const auto* found = point.find(options.metric);
    if (found == nullptr || found->samples.size() < kMinGateSamples) continue;
    if (noisiest == nullptr || spread_of(found->samples) > spread_of(*noisiest))
      noisiest = &found->samples;
  }
  if (noisiest == nullptr) {
    throw UsageError(
        fmt::format("{}: no point has {} samples of {}: the gate cannot be checked; "
                    "measure more samples",
                    run.dir, kMinGateSamples, options.metric));
  }
  return measure_power(resample(*noisiest, 1), false, options, repetitions);
}

std::vector<std::string> power_sentences(const GatePower& power) {
  std::vector<std::string> out;
  out.push_back(
      fmt::format("Self-check on the noisiest point's own samples: {} of comparisons of equals are "
                  "called different.",
                  percent(power.false_alarm_rate)));
  std::string shares;
  for (const auto& [slowdown, share] : power.found)
    shares +=
        fmt::format("{}{} in {}", shares.empty() ? "" : ", ", percent(slowdown), percent(share));
  out.push_back(fmt::format(
      "The smallest slowdown found in 95 % of comparisons is {} (found: {}).",
      power.smallest_effect ? percent(*power.smallest_effect) : "none of those tried", shares));
  return out;
}

Json power_json(const GatePower& power) {
  Json found = Json::array();
  for (const auto& [slowdown, share] : power.found)
    found.push(Json::object().set("slowdown", slowdown).set("found", share));
  Json out;
  out.set("false_alarm_rate", power.false_alarm_rate);
  out.set("smallest_effect", power.smallest_effect ? Json(*power.smallest_effect) : Json());
  return out.set("slowdowns", std::move(found));
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
