#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/comparison.hpp"

namespace hotexpert {

/// An array that a section's chart is drawn from: the page carries it for as many points as fit.
struct SeriesRequest {
  std::string_view metric;     ///< in results: "load.by_expert"
  std::string_view most_of{};  ///< where not all points fit, those with most of this metric are
                               ///< kept; "" = the points the chart shows first
  std::string_view name{};     ///< in the page; "" = metric
  /// Makes the array smaller before it is embedded (a mean over layers, bins of steps).
  Series (*reduce)(Series) = nullptr;

  [[nodiscard]] std::string_view page_name() const { return name.empty() ? metric : name; }
};

/// Distinct values that one request, and all requests together, may put into a page. A value is
/// about ten bytes.
struct EmbeddingLimits {
  std::size_t values_per_request = 150'000;
  std::size_t values_in_page = 1'000'000;
};

/// The arrays of a page. Equal arrays of several points (one trace, many kernels) are held once.
struct EmbeddedSeries {
  std::vector<Series> arrays;                                        ///< with values
  std::map<std::string, std::map<std::size_t, std::size_t>> points;  ///< page name, point → array
  std::map<std::string_view, std::vector<std::string>> notes;  ///< section id → what was left out
};

/// Reads and chooses what every section asked for.
EmbeddedSeries embed_series(const Comparison& comparison, const EmbeddingLimits& limits = {});

/// The array of a point with its values, also where a file holds them; nullopt where the point has
/// none or its file cannot be read (the page says so).
std::optional<Series> read_series(const Comparison& comparison, std::size_t point,
                                  std::string_view metric);

/// read_series() for a request: reduced as the page's chart sees it.
std::optional<Series> read_series(const Comparison& comparison, std::size_t point,
                                  const SeriesRequest& request);

}  // namespace hotexpert
