#include <algorithm>

#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {
namespace {

class Coactivated : public SkewModel {
 public:
  Coactivated(std::vector<double> popularity, double strength)
      : popularity_(std::move(popularity)), strength_(strength) {}
  void fill_popularity(int, std::int64_t, std::span<double> popularity) const override {
    std::copy(popularity_.begin(), popularity_.end(), popularity.begin());
  }
  [[nodiscard]] double pairing() const override { return strength_; }

 private:
  std::vector<double> popularity_;
  double strength_;
};

}  // namespace

/// Zipf popularity (uniform by default) with experts that come in pairs.
Model make_coactivated(const NamedChoice& choice, const SkewContext& context) {
  return std::make_unique<Coactivated>(zipf_popularity(context.num_experts, choice.get("exponent")),
                                       choice.get("strength"));
}

}  // namespace hotexpert::skew
