#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/base/statistics.hpp"
#include "sim/model/layer_law.hpp"

namespace hotexpert {

/// What to price: one layer, kernel and number of ranks on one device.
struct PriceQuestion {
  LayerShape shape;
  KernelFamily family = KernelFamily::kGrouped;
  int ranks = 1;  ///< expert-parallel ranks; a divisor of E
  int draws = 8;  ///< loads averaged at each skew
};

/// What limits a configuration.
enum class Binding : std::uint8_t { kLaunch, kMemory, kMath, kElementwise, kStraggler };
std::string_view name(Binding binding);  ///< "launch", "weight bytes", "math", "rows", "straggler"

/// The time of the most loaded rank at one number of tokens and one expected max/mean load.
struct PriceCell {
  std::int64_t tokens = 0;
  double skew = 1;              ///< expected max/mean expert load, see LoadProfile
  double seconds = 0;           ///< mean over draws
  double balanced_seconds = 0;  ///< loads equal to +-1
  double ratio = 1;             ///< seconds / balanced_seconds: below 1, balanced is slower
  std::optional<Interval>
      ratio_ci95;  ///< from the device's held-out error; nullopt: never compared
  Binding binding = Binding::kLaunch;
  std::array<double, 5> cause_s{};  ///< what `binding` is the largest of, in the order of Binding
  /// Seconds for one more percent of max/mean, from the slope over +-10 % of skew (one-sided at 1).
  double seconds_per_percent = 0;
  /// Half its 95 % interval, see slope_error95(); nullopt where the device was never compared.
  std::optional<double> seconds_per_percent_error;
};

/// One cell for every pair of tokens and skew, tokens outermost: the price list and the regime map.
/// The binding cause is the largest of the balanced pass's launch, memory, math and element-wise
/// time and of what the most loaded rank takes beyond it (straggler).
/// @throws UsageError if ranks does not divide E, or a skew is out of LoadProfile's reach
std::vector<PriceCell> price_list(const DeviceDescription& device, const PriceQuestion& question,
                                  const std::vector<std::int64_t>& tokens,
                                  const std::vector<double>& skews);

/// The largest number of tokens up to which balanced loads are slower than loads of this skew,
/// among the cells given; 0 when they never are.
std::int64_t crossover_tokens(const std::vector<PriceCell>& cells, double skew);

/// {"rows": [{"step.tokens", "skew", "layer.total_s", "layer.balanced_total_s", "ratio",
/// "ratio_low", "ratio_high", "binding", "s_per_percent", "s_per_percent_error"}],
/// "held_out_error", "held_out_elasticity_error"}; unknown errors are null
Json price_list_json(const DeviceDescription& device, const std::vector<PriceCell>& cells);

}  // namespace hotexpert
