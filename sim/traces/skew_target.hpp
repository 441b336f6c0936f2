#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sim/base/decimal.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// "max_over_mean=4" or "drop@1.25=0.1", read and checked.
struct TargetRequest {
  std::string text;    ///< "max_over_mean=4"
  std::string metric;  ///< "max_over_mean", "max_vio", "cv", "gini", "effective_experts", "drop"
  Decimal capacity_factor;  ///< of drop@CF: capacity ceil(kT/E * CF)
  double wanted = 0;

  /// @throws UsageError for an unknown metric, a missing '=' or a bad number.
  static TargetRequest parse(std::string_view text);
  /// "drop@1.25", or the metric.
  [[nodiscard]] std::string label() const;
};

/// The request's metric, averaged over (step, layer) of a few batches spread evenly over the trace:
/// as many as hold two million assignments, at least one.
double target_metric(const RoutingTrace& trace, const TargetRequest& request);

/// The result of a search.
struct TargetSearch {
  double value = 0;     ///< of the parameter
  double achieved = 0;  ///< target_metric there
};

/// Bisects a parameter between `even` (least skew) and `skewed` until the metric is as near to the
/// wanted value as the draws allow, and rounds the parameter to six significant digits, so that it
/// can be written down and used again. The metric may rise or fall with skew.
/// @param make builds the trace for a value of the parameter; equal seeds keep the search smooth
TargetSearch search_target(const TargetRequest& request, double even, double skewed,
                           const std::function<std::unique_ptr<RoutingTrace>(double)>& make);

}  // namespace hotexpert
