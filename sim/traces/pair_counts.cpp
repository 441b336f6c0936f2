#include "sim/traces/pair_counts.hpp"

#include <utility>

namespace hotexpert {

PairCounts::PairCounts(int num_experts)
    : experts_(static_cast<std::size_t>(num_experts)),
      load_(experts_),
      pairs_(experts_ * experts_) {}

void PairCounts::add(std::span<const StoredExpert> token) {
  const auto in_range = [&](StoredExpert id) { return std::cmp_less(id, experts_) && id >= 0; };
  ++tokens_;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (!in_range(token[i])) continue;
    const auto a = static_cast<std::size_t>(token[i]);
    ++load_[a];
    for (std::size_t j = 0; j < i; ++j) {
      if (!in_range(token[j]) || token[j] == token[i]) continue;
      const auto b = static_cast<std::size_t>(token[j]);
      ++pairs_[a < b ? a * experts_ + b : b * experts_ + a];
      ++all_pairs_;
    }
  }
}

double PairCounts::lift() const {
  if (all_pairs_ == 0) return 0.0;
  double sum = 0;
  for (std::size_t a = 0; a < experts_; ++a) {
    for (std::size_t b = a + 1; b < experts_; ++b) {
      const auto n = static_cast<double>(pairs_[a * experts_ + b]);
      if (n == 0) continue;
      sum += n * n * static_cast<double>(tokens_) /
             (static_cast<double>(load_[a]) * static_cast<double>(load_[b]));
    }
  }
  return sum / static_cast<double>(all_pairs_);
}

}  // namespace hotexpert
