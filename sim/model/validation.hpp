#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/model/calibration.hpp"
#include "sim/model/published_cost.hpp"
#include "sim/model/published_data.hpp"

namespace hotexpert {

/// Errors |predicted / measured - 1| of a set of published rows. A field "all" pools over it.
struct ErrorRow {
  std::string model_shape = "all";
  std::string expert_parallel = "all";
  std::string tokens = "all";  ///< "1-15", …
  std::string distribution = "all";
  std::int64_t n = 0;
  double median_abs_error = 0;
  double p90_abs_error = 0;
};

/// How often the law says rightly whether skew costs or saves, over skewed rows whose measured time
/// differs from the balanced row of the same shape, ranks and tokens by more than 10 %.
struct SignScore {
  std::int64_t right = 0;
  std::int64_t total = 0;
};

/// Up to how many tokens skew saves time in one series: the most tokens at which the skewed row
/// takes at least 5 % less than the balanced one; 0 = at none.
struct Crossover {
  std::string model_shape;
  int expert_parallel = 1;
  std::string distribution;
  std::int64_t measured_tokens = 0;
  std::int64_t predicted_tokens = 0;
};

struct Prediction {
  std::size_t row = 0;  ///< position in the scored file
  double predicted_s = 0;
  bool anomalous = false;
};

/// Predictions of one law for one file.
struct Score {
  std::string law;                        ///< "cost law" or "roofline"
  std::string left_out;                   ///< of a hold-out: the label that was not fitted
  std::vector<FittedConstant> constants;  ///< empty when nothing was fitted
  ErrorRow overall;
  ErrorRow without_anomalies;
  SignScore skew_sign;
  std::vector<Prediction> predictions;
};

/// Every row priced by a fit to the rows of other labels.
struct HoldOut {
  std::string by;             ///< "model_shape", "moe_ep_size", "tokens", "distribution"
  ErrorRow overall;           ///< pooled over the labels
  std::vector<Score> scores;  ///< one a label: fitted to the others, scored on it
};

struct ValidationReport {
  DeviceDescription device;
  Score cost_law;
  Score roofline;                      ///< the 3-constant baseline, fitted to the same rows
  std::vector<ErrorRow> rows;          ///< cost law by shape, ranks and distribution: a partition
  std::vector<Crossover> crossovers;   ///< of the scored rows, sorted like `rows`
  std::vector<ErrorRow> margins;       ///< by shape, ranks, token range, distribution alone
  std::vector<HoldOut> hold_outs;      ///< of the fitted rows; those with at least two labels
  std::vector<std::size_t> anomalies;  ///< rows of the scored file

  /// The hold-out by this field, or nullptr.
  [[nodiscard]] const HoldOut* held_out_by(std::string_view by) const;
};

struct ValidationOptions {
  int draws = kPublishedDraws;
  bool every_hold_out = false;  ///< also by ranks, token range and distribution, not by shape alone
};

/// Fits the device's constants to `fit_rows` and scores them on `score_rows`; with no rows to fit,
/// scores the device's constants as they are. Anomalous rows take part in fits and tables alike,
/// and are also scored apart.
ValidationReport validate_published(const DeviceDescription& device,
                                    const std::vector<PublishedRow>& fit_rows,
                                    const std::vector<PublishedRow>& score_rows,
                                    const ValidationOptions& options = {});

/// {"rows": [...], "overall", "without_anomalies", "margins", "free_constants", "stated_constants",
/// "skew_sign", "roofline", "hold_outs", "anomalies", "predictions"}. Constants set by hand, not
/// fitted, are listed as stated: together they are what the law was allowed to choose.
Json to_json(const ValidationReport& report, const std::vector<PublishedRow>& score_rows);

/// {"cost_law", "roofline", "left_out"?: {"n", "median", "p90"}, "sign_right", "sign_total",
/// "anomalies", "free_constants"}: what a report says of the whole.
Json summary_json(const ValidationReport& report);

}  // namespace hotexpert
