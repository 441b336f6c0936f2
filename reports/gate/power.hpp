#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "reports/gate/gate.hpp"

namespace hotexpert {

/// What a gate can see with the samples at hand.
struct GatePower {
  double false_alarm_rate = 0;  ///< share of comparisons of equals called FASTER or SLOWER
  std::optional<double>
      smallest_effect;  ///< smallest slowdown tried that is found 95 % of the time
  std::vector<std::pair<double, double>> found;  ///< slowdown tried, share called SLOWER
};

/// Base samples and new samples of repetition `i`, the new ones slowed down by the factor.
using PairSource =
    std::function<std::pair<std::vector<double>, std::vector<double>>(int i, double slowdown)>;

/// Runs comparisons of equals, then of slowdowns by 0.5 % to 50 %, through the gate's own rules.
GatePower measure_power(const PairSource& source, bool paired, const GateOptions& options,
                        int repetitions = 200);

/// Both sides drawn with replacement from one point's own samples, independently: what this
/// machine's noise allows, without measuring again. Samples in turn see smaller effects than that.
PairSource resample(std::vector<double> samples, std::uint64_t seed);

/// "Of 200 comparisons of equals 2 % were called different; …", a sentence a line.
std::vector<std::string> power_sentences(const GatePower& power);
Json power_json(const GatePower& power);

/// The power for the noisiest point of a run that has enough samples.
/// @throws UsageError if no point has
GatePower power_of(const Run& run, const GateOptions& options, int repetitions = 200);

/// @throws UsageError if options.fail_on is below the smallest effect that can be seen, or more
/// than 10 % of equals are called different
void require_power(const GatePower& power, const GateOptions& options);

}  // namespace hotexpert
