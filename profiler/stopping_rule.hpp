#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hotexpert {

/// Why sampling ended.
enum class StopReason : std::uint8_t {
  kPrecise,     ///< every arm's interval is narrow enough
  kTimeBudget,  ///< the time is spent
  kMaxSamples,  ///< as many samples as allowed were taken
};

/// What a stopping rule sees after each round.
struct SamplingState {
  std::span<const std::vector<double>> total_s;  ///< [arms][samples], equally many in each arm
  double elapsed_s = 0;                          ///< since sampling began, warm-up excluded
};

/// Decides when there are enough samples. Asked after every round (two samples an arm).
class StoppingRule {
 public:
  virtual ~StoppingRule() = default;
  /// nullopt = go on.
  virtual std::optional<StopReason> decide(const SamplingState& state) = 0;
};

/// Stops when (high - low) / 2 / median of the 95 % order-statistic interval of every arm's median
/// is at most `target_relative_half_width`; time and count bound it, and min_samples come first.
///
/// Stopping at the first interval that happens to be narrow makes intervals too narrow, so
/// precision is judged only when the number of samples has grown by a quarter since the last look.
class RelativeWidthRule final : public StoppingRule {
 public:
  RelativeWidthRule(int min_samples, int max_samples, double target_relative_half_width,
                    double time_budget_s);
  std::optional<StopReason> decide(const SamplingState& state) override;

 private:
  std::size_t min_samples_;
  std::size_t max_samples_;
  double target_relative_half_width_;
  double time_budget_s_;
  std::size_t next_look_;
};

/// (high - low) / 2 / median of the 95 % interval of the median; infinity below 6 samples.
double relative_half_width(std::span<const double> samples);

}  // namespace hotexpert
