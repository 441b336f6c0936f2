#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "reports/gate/gate.hpp"

namespace hotexpert {

/// A slowdown that was tried and the share of comparisons that called it SLOWER.
struct FoundSlowdown {
  double slowdown = 0;
  double found = 0;
};

/// What a gate can see.
struct GatePower {
  std::string origin;  ///< what was compared, as a phrase: "its own samples, drawn anew"
  int comparisons = 0;
  double false_alarm_rate = 0;  ///< share of comparisons of equals called FASTER or SLOWER
  std::optional<double>
      smallest_effect;                  ///< smallest slowdown tried that is found 95 % of the time
  std::vector<FoundSlowdown> found;     ///< samples multiplied
  std::vector<FoundSlowdown> injected;  ///< the program slowed down; empty: nothing was re-run
};

/// Base samples and new samples of repetition `i`, the new ones slowed down by the factor.
using PairSource =
    std::function<std::pair<std::vector<double>, std::vector<double>>(int i, double slowdown)>;

/// Runs comparisons of equals, then of slowdowns by 0.5 % to 50 %, through the gate's own rules.
GatePower measure_power(const PairSource& source, bool paired, const GateOptions& options,
                        int repetitions = 200);

/// Times two sides one after the other, the second one slowed down by the factor.
using PairMeasurer =
    std::function<std::pair<std::vector<double>, std::vector<double>>(double slowdown)>;

/// The same by measuring: `repetitions` comparisons of equals; slowdowns of their samples say where
/// to look; then real ones, from the smallest that was found on, three at most, until 95 % of
/// `repetitions` find it. That one is the smallest effect.
/// @param should_stop asked before each comparison; true gives up with what is known so far
GatePower measure_power_anew(const PairMeasurer& measure, const GateOptions& options,
                             int repetitions, const std::function<bool()>& should_stop = {});

/// Both sides drawn with replacement from one point's own samples, independently: what this
/// machine's noise allows, without measuring again. Samples in turn see smaller effects than that.
PairSource resample(std::vector<double> samples, std::uint64_t seed);

/// "Of 200 comparisons of equals 2 % were called different; …", a sentence a line.
std::vector<std::string> power_sentences(const GatePower& power);
Json power_json(const GatePower& power);

/// The point of a run whose samples spread most, of those with enough of them.
/// @throws UsageError if no point has
const PointResult& noisiest_point(const Run& run, const GateOptions& options);

/// The power for the noisiest point of a run, from its stored samples.
/// @throws UsageError if no point has enough
GatePower power_of(const Run& run, const GateOptions& options, int repetitions = 200);

/// @throws UsageError if options.fail_on is below the smallest effect that can be seen, or more
/// than 10 % of equals are called different
void require_power(const GatePower& power, const GateOptions& options);

}  // namespace hotexpert
