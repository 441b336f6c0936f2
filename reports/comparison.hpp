#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/run_store.hpp"
#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// The axis that tells several compared runs apart.
inline constexpr std::string_view kRunAxis = "run";

/// An axis whose value differs between points.
struct ComparedAxis {
  std::string name;
  std::string label;
  std::string unit;
  std::vector<Json> values;  ///< numbers ascending, "none" after them; words in order of appearance
};

/// An axis with one value for every point of the runs that have it.
struct FixedAxis {
  std::string name;
  std::string label;
  std::string unit;
  Json value;
};

/// A metric that at least one point has. Unknown to the catalogue: its name is its label.
struct ComparedMetric {
  std::string name;
  std::string unit;
  Better better = Better::kNeither;
  std::string label;
  std::string definition;
};

struct ComparedPoint {
  std::size_t run = 0;              ///< index into Comparison::runs
  std::vector<std::size_t> values;  ///< for each axis an index into its values; kNone = absent
  PointResult result;
};

/// A run as reports show it.
struct ComparedRun {
  std::string name;  ///< unique: its title, or its folder where titles repeat
  std::string dir;
  Json manifest;
};

/// The neutral model every exporter, chart and finding reads: what varied, what did not, what was
/// found.
struct Comparison {
  std::vector<ComparedRun> runs;
  std::vector<ComparedAxis> axes;       ///< in the order the runs name them; kRunAxis first
  std::vector<FixedAxis> fixed;         ///< with scenario entries that points do not repeat
  std::vector<ComparedMetric> metrics;  ///< in catalogue order, then by name
  std::vector<ComparedPoint> points;    ///< run after run
  std::vector<std::string> warnings;    ///< of the runs as a whole

  /// Position in `axes`, or kNone.
  [[nodiscard]] std::size_t axis(std::string_view name) const;
  /// The value of an axis that varies, or nullptr where the axis or the value is absent.
  [[nodiscard]] const Json* value(const ComparedPoint& point, std::string_view axis) const;
  [[nodiscard]] const ComparedMetric* metric(std::string_view name) const;
};

/// @param runs at least one, as read_run returned them   @throws UsageError when empty
Comparison make_comparison(std::vector<Run> runs);

/// An axis value as people read it: words without quotes, numbers in their shortest form.
std::string display(const Json& value);

/// The title of the report: the run's, "A and B", or "A and 2 more".
std::string title_of(const Comparison& comparison);

}  // namespace hotexpert
