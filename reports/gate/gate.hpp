#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/run_store.hpp"

namespace hotexpert {

enum class PairVerdict : std::uint8_t { kFaster, kSlower, kSame, kUnclear };
std::string_view name(PairVerdict verdict);  ///< "FASTER", "SLOWER", "SAME", "UNCLEAR"

struct GateOptions {
  std::string metric = "layer.total_s";
  double threshold = 0.01;  ///< a change of the cost below this is no change (as a fraction)
  double false_discovery_rate = 0.05;
  std::optional<double> fail_on;  ///< a slowdown by more than this fails the gate (as a fraction)
  bool across_machines = false;
};

/// How the samples of two points were compared.
enum class PairTest : std::uint8_t {
  kNone,         ///< too few samples
  kSignedRank,   ///< pairs of samples measured in turn
  kMannWhitney,  ///< independent samples
};
std::string_view name(PairTest test);

/// Two points that agree in every axis. Costs: times as they are, rates inverted, so that more is
/// worse.
struct ComparedPair {
  Point point;
  double skew = 0;  ///< load.max_over_mean of the base; 0 where there is none
  double base = 0;  ///< medians of the metric
  double now = 0;
  double ratio = 1;  ///< cost now / cost of the base (Hodges-Lehmann on the logarithm)
  Interval ci95{1, 1};
  double p_value = 1;
  double adjusted_p = 1;  ///< Benjamini-Hochberg over all pairs
  PairTest test = PairTest::kNone;
  PairVerdict verdict = PairVerdict::kUnclear;
};

/// Pairs of about the same skew (max/mean load rounded to halves).
struct SkewGroup {
  double skew = 0;
  std::size_t pairs = 0;
  double ratio = 1;  ///< geometric mean
  Interval ci95{1, 1};
};

struct GateResult {
  GateOptions options;
  std::vector<ComparedPair> pairs;       ///< in the base's order
  std::vector<SkewGroup> groups;         ///< by rising skew
  double ratio = 1;                      ///< geometric mean over all pairs
  std::vector<std::string> notes;        ///< sentences: what has no partner, what differs
  std::vector<std::string> regressions;  ///< sentences; empty = the gate passes
};

/// Compares two runs point by point.
/// Samples count as pairs where both manifests have the same "interleaving" text (both runs were
/// measured in turn in one session) and as many samples; else the Mann-Whitney test is used.
/// A verdict is FASTER or SLOWER when the adjusted p-value is at most false_discovery_rate and the
/// change exceeds the threshold, SAME when the interval lies within the threshold, else UNCLEAR.
/// With fail_on, regressions are: a pair that is SLOWER by more; a skew group whose geometric mean
/// and whole interval exceed it; a point that was ok and now failed.
/// @throws UsageError if the machines differ (naming what) without across_machines; if no points
/// pair; or if the metric has no samples
GateResult compare_runs(const Run& base, const Run& now, const GateOptions& options);

/// What differs between two environments, a phrase each: "cpu was A, is now B". Keys that change
/// from run to run on one machine (load, clocks, temperature, free memory, times) are left out, and
/// so are the commit and version of the program: two builds may be what is compared.
std::vector<std::string> machine_differences(const Json& base, const Json& now);

/// Benjamini-Hochberg adjusted p-values: the smallest false discovery rate at which each is found.
std::vector<double> adjust_p_values(const std::vector<double>& p_values);

/// The comparison of two sets of samples that compare_runs makes, before adjustment.
/// @param paired sample i of both was measured in turn
ComparedPair compare_samples(std::span<const double> base, std::span<const double> now,
                             bool paired);

/// Sets verdicts from adjusted p-values, ratios and intervals.
void judge(std::vector<ComparedPair>& pairs, const GateOptions& options);

}  // namespace hotexpert
