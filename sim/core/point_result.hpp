#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {

/// Where a number comes from.
enum class Provenance : std::uint8_t {
  kCounted,    ///< from a trace, exactly
  kExpected,   ///< closed form
  kSimulated,  ///< drawn
  kModelled,   ///< cost model
  kMeasured,   ///< timed
};
std::string_view name(Provenance provenance);
Provenance parse_provenance(std::string_view text);  ///< @throws InputError

/// One metric of one point.
struct Measurement {
  std::string metric;  ///< id in the metric catalogue
  double value = 0;    ///< mean over (step, layer); the median of samples when measured
  Provenance provenance = Provenance::kCounted;
  std::vector<double> samples = {};             ///< measured: every sample, in order
  std::optional<Interval> ci95 = {};            ///< 95 % confidence interval of the value
  std::optional<Percentiles> percentiles = {};  ///< over (step, layer), where there are several
};

/// An array result: dims name its axes, outermost first.
struct Series {
  std::string metric;
  std::string unit;
  Provenance provenance = Provenance::kCounted;
  std::vector<std::string> dims;
  std::vector<std::int64_t> shape;
  std::vector<double> values;  ///< row-major; empty when `file` holds them
  std::string file;            ///< path inside the run folder, or empty
};

/// An array with one axis: `dim` names it.
Series series_along(std::string dim, std::string metric, std::string unit, Provenance provenance,
                    std::vector<double> values);

enum class Outcome : std::uint8_t { kOk, kSkipped, kFailed };
std::string_view name(Outcome outcome);
Outcome parse_outcome(std::string_view text);  ///< @throws InputError

/// The coordinates of a point: axis name → value, in axis order. A value is a number or a string.
using Point = std::vector<std::pair<std::string, Json>>;

/// Everything known of one finished point.
struct PointResult {
  Point point;
  Outcome outcome = Outcome::kOk;
  std::string reason;  ///< why skipped or failed; empty when ok
  std::vector<Measurement> measurements;
  std::vector<Series> series;
  std::vector<std::string> warnings;  ///< whole sentences

  [[nodiscard]] const Measurement* find(std::string_view metric) const;
};

/// One line of points.jsonl, as documented in README.md. The unit is the catalogue's. Inverse of
/// from_json.
Json to_json(const PointResult& result);
/// @throws InputError naming what is missing or of the wrong type. Unknown fields are ignored.
PointResult point_result_from_json(const Json& json);

}  // namespace hotexpert
