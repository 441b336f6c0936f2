#include <algorithm>

#include "sim/traces/skew/factories.hpp"

namespace hotexpert::skew {
namespace {

class Ragged : public SkewModel {
 public:
  Ragged(std::vector<double> popularity, std::vector<double> shares)
      : popularity_(std::move(popularity)), shares_(std::move(shares)) {}
  void fill_popularity(int, std::int64_t, std::span<double> popularity) const override {
    std::copy(popularity_.begin(), popularity_.end(), popularity.begin());
  }
  [[nodiscard]] std::vector<double> rank_shares() const override { return shares_; }

 private:
  std::vector<double> popularity_;
  std::vector<double> shares_;
};

}  // namespace

/// Zipf popularity (uniform by default); source rank r, from 1, holds tokens in proportion to
/// r^-unevenness.
Model make_ragged(const NamedChoice& choice, const SkewContext& context) {
  return std::make_unique<Ragged>(
      zipf_popularity(context.num_experts, choice.get("exponent")),
      zipf_popularity(static_cast<int>(choice.get_integer("ranks")), choice.get("unevenness")));
}

}  // namespace hotexpert::skew
