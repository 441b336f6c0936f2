#pragma once

#include <cstdint>
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
};

/// A constant as fitted, with where it came from.
struct FittedConstant {
  std::string name;
  std::string unit;
  double start = 0;  ///< nominal value: data sheet times a stated share
  double value = 0;
  Interval interval95;
};

struct Calibration {
  DeviceDescription device;  ///< with the fitted constants and the held-out error
  std::vector<FittedConstant> constants;
  double median_error = 0;           ///< in sample, |predicted / measured - 1|
  double held_out_median_error = 0;  ///< k-fold
  double held_out_p90_error = 0;
};

/// Fits the constants that the samples can determine (the operand feed only where the program has
/// tiles; the overlap exponent only from 8 samples on) to the logarithm of the measured times, and
/// prices every sample again by the fit without its fold. Folds: sample i is in fold i mod folds.
/// @param device units, peaks and program; its constants are the start   @param folds >= 2
/// @throws UsageError for fewer than 4 samples, a time that is not positive, or fewer samples than
/// folds.
Calibration calibrate(const DeviceDescription& device,
                      const std::vector<CalibrationSample>& samples, int folds = 4);

/// Rows for `hotexpert calibrate` and device files.
Json to_json(const Calibration& calibration);

}  // namespace hotexpert
