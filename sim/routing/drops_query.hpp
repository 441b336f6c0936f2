#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/base/statistics.hpp"
#include "sim/core/point_result.hpp"
#include "sim/routing/drop_statistics.hpp"

namespace hotexpert {

/// What to tabulate: every rule with every policy at every factor.
struct DropsQuery {
  std::vector<Decimal> factors;
  std::vector<std::string> rules = {"megatron"};
  /// Empty: how many are dropped, which needs the loads only. Else also which, by each policy.
  std::vector<std::string> policies = {};
  std::int64_t group = 0;  ///< capacity.group: tokens that share a capacity; 0 = all of a step
  std::uint64_t seed = 0;
  bool float_compat = false;
};

/// One line of a drops table. Numbers are absent, not zero, where `unsupported` gives the reason.
struct DropsRow {
  static constexpr int kAllLayers = -1;

  int layer = kAllLayers;
  Decimal factor;
  std::string rule;    ///< canonical text
  std::string policy;  ///< canonical text, or "" where only loads were read
  std::string unsupported = {};
  Provenance provenance = Provenance::kCounted;
  std::int64_t points = 0;  ///< (step, layer) pairs
  /// Rows an expert (a rank under `device`) may keep in a scope, the largest met; absent where it
  /// follows a load that is not known.
  std::optional<std::int64_t> capacity = {};
  std::optional<double> assignment_fraction = {};  ///< drop.assignment_fraction, mean over points
  std::optional<double> standard_error = {};       ///< of that mean; absent below two points
  std::optional<Percentiles> percentiles = {};     ///< over points
  /// drop.floor_fraction: what a perfectly uniform router would drop at these capacities.
  std::optional<double> floor_fraction = {};
  /// assignment_fraction - floor_fraction: what balancing token by token can win.
  std::optional<double> above_floor_fraction = {};
  /// rows.padding_fraction if every expert is padded to its capacity: empty rows / rows.
  std::optional<double> padding_fraction = {};
  std::optional<DropStatistics> statistics = {};  ///< which were dropped, by policy
};

}  // namespace hotexpert
