#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hotexpert {

enum class Better : std::uint8_t { kLower, kHigher, kNeither };

/// One metric as results, reports and `hotexpert list metrics` know it.
struct MetricRow {
  std::string_view name;  ///< id, e.g. "load.max_over_mean"
  std::string_view unit;  ///< "ratio", "s", "count", "bytes", "flop/s", "nat", "fraction"
  Better better;
  std::string_view label;       ///< a few words for legends and axes
  std::string_view definition;  ///< one sentence with the formula, and its source where it has one
};

/// Every metric a result may hold, in the order reports show them.
std::span<const MetricRow> metric_catalogue();

/// The row of `name`, for a variant ("layer.total_s@padded") that of its metric; or nullptr.
const MetricRow* find_metric(std::string_view name);

}  // namespace hotexpert
