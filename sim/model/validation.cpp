#include "sim/model/validation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "sim/model/error_tables.hpp"
#include "sim/model/price_error.hpp"
#include "sim/model/roofline.hpp"

namespace hotexpert {
namespace {

constexpr int kFolds = 6;

std::vector<std::size_t> all_of(std::size_t n) {
  std::vector<std::size_t> out(n);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

std::string shape_label(const PublishedRow& row) { return row.model; }
std::string ranks_label(const PublishedRow& row) { return std::to_string(row.expert_parallel); }
std::string tokens_label(const PublishedRow& row) { return token_range(row.num_tokens); }
std::string distribution_label(const PublishedRow& row) { return row.distribution; }

struct HoldOutRow {
  std::string_view by;
  std::string (*label)(const PublishedRow&);
};
constexpr std::array kHoldOuts = {
    HoldOutRow{"model_shape", shape_label}, HoldOutRow{"moe_ep_size", ranks_label},
    HoldOutRow{"tokens", tokens_label}, HoldOutRow{"distribution", distribution_label}};

std::vector<std::string> labels_in(const std::vector<PublishedRow>& rows,
                                   const HoldOutRow& hold_out) {
  std::vector<std::string> labels;
  for (const auto& row : rows) {
    const std::string label = hold_out.label(row);
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  }
  return labels;
}

/// Whole series of (shape, ranks, distribution) share a fold: their errors are not independent.
std::vector<int> folds_by_series(const std::vector<PublishedRow>& rows) {
  std::vector<std::string> series;
  std::vector<int> fold;
  for (const auto& row : rows) {
    const std::string key = row.model + "/" + std::to_string(row.tensor_parallel) + "/" +
                            std::to_string(row.expert_parallel) + "/" + row.distribution;
    const auto at = std::find(series.begin(), series.end(), key);
    fold.push_back(static_cast<int>((at - series.begin()) % kFolds));
    if (at == series.end()) series.push_back(key);
  }
  return fold;
}

std::vector<double> exponentials(std::vector<double> values) {
  for (double& value : values) value = std::exp(value);
  return values;
}

Score score_predictions(std::string law, const std::vector<PublishedRow>& rows,
                        const std::vector<double>& predicted_s) {
  const auto anomalous = find_anomalies(rows);
  std::vector<double> error;
  std::vector<bool> clean;
  Score score;
  score.law = std::move(law);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    error.push_back(std::abs(predicted_s[i] / rows[i].latency_s - 1));
    clean.push_back(!anomalous[i]);
    score.predictions.push_back({i, predicted_s[i], anomalous[i]});
  }
  score.overall = pooled_error(error, std::vector<bool>(rows.size(), true));
  score.without_anomalies = pooled_error(error, clean);
  score.skew_sign = skew_sign_score(rows, predicted_s);
  return score;
}

std::vector<double> predict_all(const PublishedCost& cost, const DeviceDescription& device) {
  std::vector<double> out(cost.size());
  cost.log_predict(device, out);
  return exponentials(std::move(out));
}

std::vector<FittedConstant> fitted_constants(const PositiveFit& fit,
                                             const CrossValidatedFit& crossed) {
  std::vector<FittedConstant> out;
  const auto names = cost_constants();
  for (std::size_t j = 0; j < names.size(); ++j) {
    out.push_back({std::string(names[j].name), std::string(names[j].unit), fit.start[j],
                   crossed.fit.constants[j], crossed.interval95[j]});
  }
  return out;
}

/// Fits to all rows but those of one label and scores those, for each label of the file.
std::vector<Score> leave_one_out(const DeviceDescription& device, const PositiveFit& fit,
                                 const std::vector<PublishedRow>& rows, const PublishedCost& cost,
                                 const HoldOutRow& hold_out) {
  std::vector<Score> scores;
  for (const std::string& label : labels_in(rows, hold_out)) {
    std::vector<std::size_t> others;
    std::vector<std::size_t> own;
    std::vector<PublishedRow> own_rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_own = hold_out.label(rows[i]) == label;
      (is_own ? own : others).push_back(i);
      if (is_own) own_rows.push_back(rows[i]);
    }
    const auto constants = fit_positive(fit, others).constants;
    const auto all = predict_all(cost, with_constants(device, constants));
    std::vector<double> predicted;
    for (const std::size_t i : own) predicted.push_back(all[i]);
    Score score = score_predictions("cost law", own_rows, predicted);
    for (std::size_t i = 0; i < own.size(); ++i) score.predictions[i].row = own[i];
    score.left_out = label;
    scores.push_back(std::move(score));
  }
  return scores;
}

ErrorRow pool_scores(const std::vector<Score>& scores, const std::vector<PublishedRow>& rows) {
  std::vector<double> error;
  for (const Score& score : scores) {
    for (const auto& prediction : score.predictions) {
      error.push_back(std::abs(prediction.predicted_s / rows[prediction.row].latency_s - 1));
    }
  }
  return pooled_error(error, std::vector<bool>(error.size(), true));
}

/// Each skewed row beside the balanced row of the same shape, ranks and tokens, both held out.
/// Anomalies are left out: a failed measurement is no error of the law.
std::vector<SkewPair> held_out_pairs(const std::vector<Score>& scores,
                                     const std::vector<PublishedRow>& rows,
                                     const PublishedCost& cost) {
  std::vector<double> predicted_s(rows.size());
  for (const Score& score : scores) {
    for (const auto& prediction : score.predictions)
      predicted_s[prediction.row] = prediction.predicted_s;
  }
  std::vector<SkewPair> pairs;
  const auto controls = balanced_controls(rows);
  const auto anomalous = find_anomalies(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto control = controls[i];
    if (!control || *control == i || anomalous[i] || anomalous[*control]) continue;
    pairs.push_back({cost.skew(i) / cost.skew(*control),
                     rows[i].latency_s / rows[*control].latency_s,
                     predicted_s[i] / predicted_s[*control]});
  }
  return pairs;
}

Score roofline_score(const std::vector<PublishedRow>& fit_rows, const PublishedCost& fit_cost,
                     const std::vector<PublishedRow>& score_rows, const PublishedCost& score_cost) {
  const RooflineCost fitted(fit_rows, fit_cost);
  const PositiveFit fit = fitted.fit_problem(fit_rows);
  const auto constants = fit_positive(fit, all_of(fit_rows.size())).constants;
  std::vector<double> out(score_rows.size());
  RooflineCost(score_rows, score_cost).log_predict(constants, out);
  Score score = score_predictions("roofline", score_rows, exponentials(std::move(out)));
  constexpr const char* kNames[] = {"overhead_s", "math_flops_per_s", "memory_bytes_per_s"};
  constexpr const char* kUnits[] = {"s", "flop/s", "B/s"};
  for (std::size_t j = 0; j < constants.size(); ++j) {
    score.constants.push_back(
        {kNames[j], kUnits[j], fit.start[j], constants[j], {constants[j], constants[j]}});
  }
  return score;
}

}  // namespace

ValidationReport validate_published(const DeviceDescription& device,
                                    const std::vector<PublishedRow>& fit_rows,
                                    const std::vector<PublishedRow>& score_rows,
                                    const ValidationOptions& options) {
  const int draws = options.draws;
  ValidationReport report;
  report.device = device;
  const PublishedCost score_cost(score_rows, draws);
  const PublishedCost fit_cost(fit_rows, draws);
  std::vector<FittedConstant> constants;
  if (!fit_rows.empty()) {
    const PositiveFit fit = fit_cost.fit_problem(device);
    const auto crossed = cross_validate(fit, folds_by_series(fit_rows), kFolds);
    report.device = with_constants(device, crossed.fit.constants);
    constants = fitted_constants(fit, crossed);
    set_uncertainty(report.device, constants);
    for (const auto& hold_out : kHoldOuts) {
      const bool by_shape = hold_out.label == shape_label;
      if ((!by_shape && !options.every_hold_out) || labels_in(fit_rows, hold_out).size() < 2)
        continue;
      auto scores = leave_one_out(device, fit, fit_rows, fit_cost, hold_out);
      const ErrorRow overall = pool_scores(scores, fit_rows);
      if (by_shape) {
        report.device.held_out_error = overall.median_abs_error;
        report.device.held_out_elasticity_error =
            elasticity_error95(held_out_pairs(scores, fit_rows, fit_cost)).value_or(0);
      }
      report.hold_outs.push_back({std::string(hold_out.by), overall, std::move(scores)});
    }
  }
  const auto predicted = predict_all(score_cost, report.device);
  report.cost_law = score_predictions("cost law", score_rows, predicted);
  report.cost_law.constants = std::move(constants);
  report.roofline = fit_rows.empty()
                        ? roofline_score(score_rows, score_cost, score_rows, score_cost)
                        : roofline_score(fit_rows, fit_cost, score_rows, score_cost);
  std::vector<double> error;
  for (const auto& prediction : report.cost_law.predictions) {
    error.push_back(std::abs(prediction.predicted_s / score_rows[prediction.row].latency_s - 1));
    if (prediction.anomalous) report.anomalies.push_back(prediction.row);
  }
  report.rows = error_partition(score_rows, error);
  report.margins = error_margins(score_rows, error);
  report.crossovers = crossover_tokens(score_rows, predicted);
  return report;
}

const HoldOut* ValidationReport::held_out_by(std::string_view by) const {
  const auto found = std::find_if(hold_outs.begin(), hold_outs.end(),
                                  [&](const HoldOut& hold_out) { return hold_out.by == by; });
  return found == hold_outs.end() ? nullptr : &*found;
}

}  // namespace hotexpert
