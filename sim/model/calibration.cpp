#include "sim/model/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr double kPriorWeight = 0.02;  // a few clean samples outweigh the data sheet
constexpr std::size_t kSamplesForOverlap = 8;

std::vector<const CostConstantRow*> constants_in_reach(const DeviceDescription& device,
                                                       std::size_t samples) {
  std::vector<const CostConstantRow*> rows;
  for (const auto& row : cost_constants()) {
    const bool feed = row.member == &CostConstants::feed_bytes_per_s;
    const bool overlap = row.member == &CostConstants::overlap_exponent;
    if (feed && device.program.tiles.empty()) continue;
    if (overlap && samples < kSamplesForOverlap) continue;
    rows.push_back(&row);
  }
  return rows;
}

void check(const std::vector<CalibrationSample>& samples, int folds) {
  if (samples.size() < 4 || static_cast<std::size_t>(folds) > samples.size() || folds < 2) {
    throw UsageError("calibration needs at least 4 samples and 2 to that many folds; got " +
                     std::to_string(samples.size()) + " samples and " + std::to_string(folds) +
                     " folds");
  }
  for (const auto& sample : samples) {
    if (!(sample.seconds > 0)) throw UsageError("calibration: a measured time is not positive");
  }
}

}  // namespace

Calibration calibrate(const DeviceDescription& device,
                      const std::vector<CalibrationSample>& samples, int folds) {
  check(samples, folds);
  const auto rows = constants_in_reach(device, samples.size());
  const auto with = [&](std::span<const double> values) {
    DeviceDescription changed = device;
    for (std::size_t j = 0; j < rows.size(); ++j) changed.constants.*rows[j]->member = values[j];
    return changed;
  };

  PositiveFit fit;
  fit.prior_weight = kPriorWeight;
  for (const auto* row : rows) {
    fit.start.push_back(device.constants.*row->member);
    fit.prior_sigma.push_back(1.0);
  }
  for (const auto& sample : samples) fit.log_observed.push_back(std::log(sample.seconds));
  fit.log_predict = [&](std::span<const double> values, std::span<double> out) {
    const DeviceDescription changed = with(values);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto& sample = samples[i];
      const LayerLaw law(changed, sample.shape, sample.family,
                         static_cast<std::int64_t>(sample.expert_rows.size()));
      out[i] = std::log(law.price(sample.tokens, sample.expert_rows, sample.capacity).total_s);
    }
  };

  std::vector<int> fold(samples.size());
  for (std::size_t i = 0; i < fold.size(); ++i) {
    fold[i] = static_cast<int>(i % static_cast<std::size_t>(folds));
  }
  const CrossValidatedFit crossed = cross_validate(fit, fold, folds);

  Calibration out;
  out.device = with(crossed.fit.constants);
  for (std::size_t j = 0; j < rows.size(); ++j) {
    out.constants.push_back({std::string(rows[j]->name), std::string(rows[j]->unit), fit.start[j],
                             crossed.fit.constants[j], crossed.interval95[j]});
  }
  std::vector<double> error(samples.size());
  std::vector<double> held_out(samples.size());
  fit.log_predict(crossed.fit.constants, error);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    error[i] = std::abs(std::expm1(error[i] - fit.log_observed[i]));
    held_out[i] = std::abs(crossed.held_out_error[i]);
  }
  out.median_error = median(error);
  out.held_out_median_error = median(held_out);
  out.held_out_p90_error = quantile(held_out, 0.9);
  out.device.held_out_error = out.held_out_median_error;
  return out;
}

Json to_json(const Calibration& calibration) {
  Json constants = Json::array();
  for (const auto& constant : calibration.constants) {
    Json row = Json::object();
    row.set("name", constant.name).set("unit", constant.unit).set("start", constant.start);
    row.set("value", constant.value);
    row.set("low", constant.interval95.low).set("high", constant.interval95.high);
    constants.push(std::move(row));
  }
  Json json = Json::object();
  json.set("rows", std::move(constants));
  json.set("median_error", calibration.median_error);
  json.set("held_out_median_error", calibration.held_out_median_error);
  json.set("held_out_p90_error", calibration.held_out_p90_error);
  json.set("device", to_json(calibration.device));
  return json;
}

}  // namespace hotexpert
