#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/model/published_data.hpp"

namespace hotexpert {

/// One skewed point of a sweep beside its balanced control.
struct LeagueSample {
  std::string regime;           ///< samples of one regime compete in one table
  double time_ratio = 1;        ///< skewed / balanced seconds, > 0
  std::vector<double> metrics;  ///< [metrics] values of the skewed point
};

/// How well one metric tells the time ratio, in one regime.
struct LeagueRow {
  std::string regime;
  std::string metric;
  std::int64_t n = 0;
  double rank_correlation = 0;  ///< Spearman's rho with the time ratio, ties at their mean rank
  double held_out_error =
      0;  ///< median |predicted / measured - 1| of a line in the metric, 5 folds
};

/// Rows of each regime, best metric first: by |rank correlation|, ties by held-out error. Regimes
/// keep the order of their first sample. A metric that never varies has correlation 0.
/// @throws UsageError if a sample has not one value a metric
std::vector<LeagueRow> metric_league(const std::vector<std::string>& metrics,
                                     const std::vector<LeagueSample>& samples);

/// "tokens 1-64", "tokens 65-1024" or "tokens above 1024": where launches and bytes, both, or rows
/// bind on the published device.
std::string token_regime(std::int64_t tokens);

/// Names of the metrics of published_samples, in order.
std::vector<std::string> published_metric_names();

/// Skewed published rows beside the balanced row of the same shape, ranks and tokens, with metrics
/// of their drawn loads (means over draws), anomalies left out. Metrics of counts are relative to
/// the control. Regimes: tokens up to 64, 65 to 1,024, above; one rank or several.
std::vector<LeagueSample> published_samples(const std::vector<PublishedRow>& rows, int draws = 16);

/// Spearman's rank correlation of two equally long vectors; 0 when either is constant.
double rank_correlation(const std::vector<double>& x, const std::vector<double>& y);

Json to_json(const std::vector<LeagueRow>& league);

}  // namespace hotexpert
