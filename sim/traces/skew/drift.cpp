#include <algorithm>

#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {
namespace {

/// A Zipf popularity whose hot set moves by `stride` experts every `period` steps.
class Drift : public SkewModel {
 public:
  Drift(std::vector<double> popularity, std::int64_t period, std::int64_t stride)
      : popularity_(std::move(popularity)), period_(period), stride_(stride) {}

  void fill_popularity(int, std::int64_t regime, std::span<double> popularity) const override {
    const auto experts = static_cast<std::int64_t>(popularity_.size());
    const std::int64_t shift = regime * stride_ % experts;
    std::rotate_copy(popularity_.begin(), popularity_.begin() + shift, popularity_.end(),
                     popularity.begin());
  }
  [[nodiscard]] std::vector<RegimeRun> regimes(std::int64_t step, int,
                                               std::int64_t tokens) const override {
    return {{step / period_, tokens}};
  }

 private:
  std::vector<double> popularity_;
  std::int64_t period_;
  std::int64_t stride_;
};

}  // namespace

Model make_drift(const NamedChoice& choice, const SkewContext& context) {
  return std::make_unique<Drift>(zipf_popularity(context.num_experts, choice.get("exponent")),
                                 choice.get_integer("period"), choice.get_integer("stride"));
}

}  // namespace hotexpert::skew
