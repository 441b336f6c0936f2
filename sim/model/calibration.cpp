#include "sim/model/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/model/price_error.hpp"

namespace hotexpert {
namespace {

constexpr double kPriorWeight = 0.02;  // a few clean samples outweigh the data sheet
constexpr std::size_t kSamplesForOverlap = 8;

std::vector<const CostConstantRow*> constants_in_reach(const DeviceDescription& device,
                                                       std::size_t samples) {
  std::vector<const CostConstantRow*> rows;
  const bool has_blocks = !device.program.tiles.empty() || device.program.task_rows > 0;
  for (const auto& row : cost_constants()) {
    const bool feed = row.member == &CostConstants::feed_bytes_per_s;
    const bool overlap = row.member == &CostConstants::overlap_exponent;
    if (feed && !has_blocks) continue;
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

/// The fold of each sample: whole groups in turn.
std::vector<int> folds_of(const std::vector<CalibrationSample>& samples, int folds) {
  std::map<int, int> fold_of_group;
  std::vector<int> out;
  int next = 0;
  for (const auto& sample : samples) {
    if (sample.group < 0) {
      out.push_back(next++ % folds);
      continue;
    }
    const auto [at, is_new] = fold_of_group.emplace(sample.group, next % folds);
    next += is_new ? 1 : 0;
    out.push_back(at->second);
  }
  return out;
}

LayerCost price(const DeviceDescription& device, const CalibrationSample& sample) {
  const LayerLaw law(device, sample.shape, sample.family,
                     static_cast<std::int64_t>(sample.expert_rows.size()));
  return law.price({sample.tokens, sample.expert_rows, sample.capacity, sample.tokens});
}

/// One number of a pass that was measured: the total or a phase.
struct Observation {
  std::size_t sample = 0;
  double LayerCost::*part = nullptr;
  double seconds = 0;
};

std::vector<Observation> observations_of(const std::vector<CalibrationSample>& samples) {
  std::vector<Observation> out;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& sample = samples[i];
    const auto add = [&](double LayerCost::*part, const std::optional<double>& seconds) {
      if (seconds && *seconds > 0) out.push_back({i, part, *seconds});
    };
    add(&LayerCost::total_s, sample.seconds);
    add(&LayerCost::permute_s, sample.permute_s);
    add(&LayerCost::expert_ffn_s, sample.expert_ffn_s);
    add(&LayerCost::combine_s, sample.combine_s);
  }
  return out;
}

/// Every two samples that differ in nothing but their loads and were held out together.
/// @param predicted_s [samples] by the fit without their fold
std::vector<SkewPair> skew_pairs(const std::vector<CalibrationSample>& samples,
                                 const std::vector<double>& predicted_s) {
  std::vector<SkewPair> pairs;
  for (std::size_t a = 0; a < samples.size(); ++a) {
    for (std::size_t b = a + 1; b < samples.size(); ++b) {
      const auto& x = samples[a];
      const auto& y = samples[b];
      if (x.group < 0 || x.group != y.group || x.family != y.family || x.tokens != y.tokens ||
          x.shape != y.shape)
        continue;
      pairs.push_back({max_over_mean(x.expert_rows) / max_over_mean(y.expert_rows),
                       x.seconds / y.seconds, predicted_s[a] / predicted_s[b]});
    }
  }
  return pairs;
}

}  // namespace

void set_uncertainty(DeviceDescription& device, const std::vector<FittedConstant>& constants) {
  for (const auto& constant : constants) {
    for (const auto& row : cost_constants()) {
      if (row.name == constant.name)
        device.uncertainty.*row.member = std::min(
            kMostUncertainty, std::log(constant.interval95.high / constant.interval95.low) / 2);
    }
  }
}

std::vector<double> predict_samples(const DeviceDescription& device,
                                    const std::vector<CalibrationSample>& samples) {
  std::vector<double> out;
  for (const auto& sample : samples) out.push_back(price(device, sample).total_s);
  return out;
}

std::vector<FamilyError> family_errors(const std::vector<CalibrationSample>& samples,
                                       std::span<const double> predicted_s) {
  std::vector<FamilyError> out;
  for (const auto& row : kernel_families()) {
    std::vector<double> error;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (samples[i].family == row.family)
        error.push_back(std::abs(predicted_s[i] / samples[i].seconds - 1));
    }
    if (error.empty()) continue;
    out.push_back(
        {row.family, static_cast<std::int64_t>(error.size()), median(error), quantile(error, 0.9)});
  }
  return out;
}

Calibration calibrate(const DeviceDescription& device,
                      const std::vector<CalibrationSample>& samples, int folds) {
  check(samples, folds);
  const auto rows = constants_in_reach(device, samples.size());
  const auto observed = observations_of(samples);
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
  for (const auto& observation : observed)
    fit.log_observed.push_back(std::log(observation.seconds));
  fit.log_predict = [&](std::span<const double> values, std::span<double> out) {
    const DeviceDescription changed = with(values);
    LayerCost cost;
    for (std::size_t i = 0; i < observed.size(); ++i) {
      if (i == 0 || observed[i].sample != observed[i - 1].sample)
        cost = price(changed, samples[observed[i].sample]);
      out[i] = std::log(cost.*observed[i].part);
    }
  };

  const std::vector<int> sample_fold = folds_of(samples, folds);
  std::vector<int> fold;
  for (const auto& observation : observed) fold.push_back(sample_fold[observation.sample]);
  const CrossValidatedFit crossed = cross_validate(fit, fold, folds);

  Calibration out;
  out.device = with(crossed.fit.constants);
  for (std::size_t j = 0; j < rows.size(); ++j) {
    out.constants.push_back({std::string(rows[j]->name), std::string(rows[j]->unit), fit.start[j],
                             crossed.fit.constants[j], crossed.interval95[j]});
  }
  std::vector<double> error;
  std::vector<double> held_out;
  std::vector<double> held_out_s;
  const auto predicted_s = predict_samples(out.device, samples);
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (observed[i].part != &LayerCost::total_s) continue;
    const double seconds = observed[i].seconds;
    error.push_back(std::abs(predicted_s[observed[i].sample] / seconds - 1));
    held_out.push_back(std::abs(crossed.held_out_error[i]));
    held_out_s.push_back((1 + crossed.held_out_error[i]) * seconds);
  }
  out.median_error = median(error);
  out.held_out_median_error = median(held_out);
  out.held_out_p90_error = quantile(held_out, 0.9);
  out.held_out_by_family = family_errors(samples, held_out_s);
  out.device.held_out_error = out.held_out_median_error;
  set_uncertainty(out.device, out.constants);
  out.device.held_out_elasticity_error =
      elasticity_error95(skew_pairs(samples, held_out_s)).value_or(0);
  return out;
}

Json to_json(const std::vector<FamilyError>& errors) {
  Json list = Json::array();
  for (const auto& error : errors) {
    Json row = Json::object();
    row.set("kernel", name(error.family)).set("n", error.n);
    row.set("median_abs_error", error.median_error).set("p90_abs_error", error.p90_error);
    list.push(std::move(row));
  }
  return list;
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
  json.set("held_out_by_kernel", to_json(calibration.held_out_by_family));
  json.set("device", to_json(calibration.device));
  return json;
}

}  // namespace hotexpert
