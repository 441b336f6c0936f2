#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hotexpert {

struct MeasureResult;
struct MeasureOptions;
class Clock;

/// What may be wrong with a measurement.
enum class MeasureDoubt : std::uint8_t {
  kNoisy,            ///< samples scatter widely
  kDrift,            ///< samples rise or fall with time
  kBimodal,          ///< samples fall into two groups
  kTooFewSamples,    ///< no 95 % interval exists
  kBudgetHit,        ///< stopped by time or count before the wanted precision
  kClockResolution,  ///< samples are a few clock steps long
  kFirstSlow,        ///< the first sample is an outlier on the slow side
  kNotSteady,        ///< the warm-up ended without becoming steady
  kLoadedMachine,    ///< others used the processors
  kNeighbour,        ///< while it was measured, threads waited for a processor
  kClockChange,      ///< while it was measured, fixed work became slower or faster
};

/// A doubt about one arm (or all, when `arm` is empty) in whole sentences: what was seen, why it
/// matters, what to try.
struct MeasureWarning {
  MeasureDoubt doubt;
  std::string arm;
  std::string text;
};

/// The 1-minute load average when the program started, and the processors it may use.
struct MachineLoad {
  double load_average = 0;
  int processors = 1;
};

/// All doubts about a finished measurement, by these rules (medians and MAD are of total_s):
/// - noisy: 1.4826 MAD > 10 % of the median;
/// - drift: Mann-Kendall |z| > 3 and the medians of the first and last third differ by > 3 %;
/// - bimodal: split at the widest gap that leaves 20 % on both sides, the gap exceeds 4 times the
///   mean of the two sides' interquartile ranges and 3 % of the median; from 10 samples on;
/// - too few: below 6 samples;  - budget: stopped by time or count;
/// - clock: median < 200 clock steps;  - first slow: sample 0 is an outlier above the median;
/// - loaded: load average > half the processors;
/// - neighbour (with a witness): threads waited for a processor > 2 % of the sampling time;
/// - clock change (with a witness): the rules of drift or of bimodal hold for its fixed work.
std::vector<MeasureWarning> doubts_of(const MeasureResult& result, const MeasureOptions& options,
                                      const Clock& clock);

}  // namespace hotexpert
