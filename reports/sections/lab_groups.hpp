#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/comparison.hpp"
#include "reports/section.hpp"
#include "sim/base/mean_interval.hpp"

namespace hotexpert {

/// Points of the router lab that differ in their seed only.
struct LabGroup {
  std::string method;                      ///< with the run and further lines: "bias, seed run B"
  std::optional<double> weight;            ///< none where the method has no coefficient
  std::vector<std::size_t> points;         ///< one a seed
  [[nodiscard]] std::string name() const;  ///< "megatron 0.01"
};

/// The shown points of a view whose lines are methods, method by method, weights ascending.
std::vector<LabGroup> lab_groups(const Comparison& comparison, const View& view);

/// Mean over seeds with its 95 % interval (Student's t); nullopt where no point has the metric.
struct SeedMean {
  double value = 0;
  Interval range;  ///< least and greatest seed
  /// Of three or more seeds: of two it would say nothing. It ends where the quantity ends: at 0 for
  /// losses, shares and counts, at 1 for max/mean load.
  std::optional<Interval> ci95;
};
std::optional<SeedMean> seed_mean(const Comparison& comparison, const LabGroup& group,
                                  std::string_view metric);

/// A row a group: method, weight, seeds, then each metric's mean and interval over seeds. Metrics
/// no point has are left out. reports/web/src/charts/lab_groups.ts makes the same rows for filters.
Table lab_table(const Comparison& comparison, const View& view, std::string caption,
                const std::vector<std::string_view>& metrics);

/// The metric and its variants that the run has: "layer.total_s" gives "layer.total_s@padded", ...
std::vector<std::string> variants_of(const Comparison& comparison, std::string_view metric);

/// The view of a chart that tells methods apart and takes all seeds and weights together.
/// @param metrics a point needs
ViewSpec lab_view(std::vector<std::string_view> metrics);

}  // namespace hotexpert
