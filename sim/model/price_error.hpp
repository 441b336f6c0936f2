#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sim/model/device_description.hpp"

namespace hotexpert {

/// Half the interval of ln constant at which a constant is simply not known.
inline constexpr double kMostUncertainty = 10;

/// One configuration at two skews: how many times larger max/mean load is at the second, and how
/// many times as long it takes there, measured and predicted by a fit that saw neither.
struct SkewPair {
  double skew_ratio = 1;      ///< > 0
  double measured_ratio = 1;  ///< seconds / seconds, > 0
  double predicted_ratio = 1;
};

/// How far the law's elasticity e = d ln seconds / d ln (max/mean load) may be off: 95 of 100 pairs
/// stay within it. |ln predicted_ratio - ln measured_ratio| / |ln skew_ratio| of each pair; from 19
/// pairs on their ceil(0.95 (n + 1))-th smallest (split conformal: distribution-free), below
/// Student's t times their root mean square. Pairs whose skews differ by less than 1.4 times say
/// nothing of a slope and are left out.
/// @return nullopt without pairs
std::optional<double> elasticity_error95(const std::vector<SkewPair>& pairs);

/// Half the width of the 95 % interval of a slope in seconds for one more percent of max/mean load:
/// the root of the sum of squares of
///   - what each fitted constant's interval makes of it (device.uncertainty, at most 2; one at a
///     time),
///   - what the law itself gets wrong: elasticity_error95 of `seconds` over 100,
///   - `sampling`, the same of the draws that the slope is a mean of.
/// A slope of zero has an interval too: that skew is free is as uncertain as any other price.
/// @param seconds the time whose slope it is   @param slope the slope under a device's constants
/// @return nullopt where the device was never compared with measurements of several skews
std::optional<double> slope_error95(const DeviceDescription& device, double seconds,
                                    double sampling,
                                    const std::function<double(const DeviceDescription&)>& slope);

/// The factor by which a ratio of times at two skews may be off at 95 %: skew_ratio to the power of
/// the elasticity's error.   @return nullopt as above
std::optional<double> ratio_factor95(const DeviceDescription& device, double skew_ratio);

}  // namespace hotexpert
