#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/model/layer_law.hpp"
#include "sim/model/positive_fit.hpp"

namespace hotexpert {

/// One measured pass of the layer on one device.
struct CalibrationSample {
  LayerShape shape;
  KernelFamily family = KernelFamily::kGrouped;
  std::int64_t tokens = 0;
  std::vector<std::int64_t> expert_rows;
  std::int64_t capacity = 0;  ///< rows each expert is padded to; 0 = the largest load
  double seconds = 0;
  // Phases of the same pass, where they are known: each is an observation of its own.
  std::optional<double> permute_s = {};
  std::optional<double> expert_ffn_s = {};
  std::optional<double> combine_s = {};
  int group = -1;  ///< samples of one group (a point and its control) share a fold; -1 = alone
};

/// A constant as fitted, with where it came from.
struct FittedConstant {
  std::string name;
  std::string unit;
  double start = 0;  ///< nominal value: data sheet times a stated share
  double value = 0;
  Interval interval95;
};

/// Held-out errors |predicted / measured - 1| of the total times of one kernel family.
struct FamilyError {
  KernelFamily family = KernelFamily::kGrouped;
  std::int64_t n = 0;
  double median_error = 0;
  double p90_error = 0;
};
/// One row a family that has pairs. @param predicted_s, samples equally long
std::vector<FamilyError> family_errors(const std::vector<CalibrationSample>& samples,
                                       std::span<const double> predicted_s);

struct Calibration {
  DeviceDescription device;  ///< with the fitted constants, their uncertainty and held-out errors
  std::vector<FittedConstant> constants;
  double median_error = 0;           ///< in sample, |predicted / measured - 1|
  double held_out_median_error = 0;  ///< k-fold
  double held_out_p90_error = 0;
  std::vector<FamilyError> held_out_by_family;
};

/// Total seconds of each sample under the device's laws.
std::vector<double> predict_samples(const DeviceDescription& device,
                                    const std::vector<CalibrationSample>& samples);

/// Fits the constants that the samples can determine (the operand feed only where the program has
/// tiles or tasks; the overlap exponent only from 8 samples on) to the logarithm of the measured
/// times, and prices every sample again by the fit without its fold. Folds: the i-th group of
/// samples is in fold i mod folds. In-sample and held-out errors are those of the totals; samples
/// of one group, kernel and size make the pairs of the device's held_out_elasticity_error.
/// @param device units, peaks and program; its constants are the start   @param folds >= 2
/// @throws UsageError for fewer than 4 samples, a time that is not positive, or fewer samples than
/// folds.
Calibration calibrate(const DeviceDescription& device,
                      const std::vector<CalibrationSample>& samples, int folds = 4);

Json to_json(
    const std::vector<FamilyError>& errors);  ///< [{"kernel", "n", "median_abs_error", ...}]
/// Notes in the device how far each fitted constant may be off, from its interval.
void set_uncertainty(DeviceDescription& device, const std::vector<FittedConstant>& constants);

/// Rows for `hotexpert calibrate` and device files.
Json to_json(const Calibration& calibration);

}  // namespace hotexpert
