#pragma once

#include <span>
#include <vector>

namespace hotexpert {

/// Rich get richer: the smallest model of how imbalance arises by itself. Experts with higher
/// scores get more tokens, and tokens raise scores:
///   f = softmax(s / temperature),  s_i <- s_i + growth * f_i - decay * s_i.
/// Balance is linearly stable while growth < decay * temperature * E (arXiv 2605.29121 for E = 2);
/// for E > 2 skewed states live on below that: hysteresis.
struct Reinforcement {
  double growth = 0.01;       ///< eta: what all of a step's tokens add to a score
  double decay = 0.01;        ///< lambda, a step, in (0, 1)
  double temperature = 1;     ///< tau
  std::vector<double> score;  ///< [E]

  /// softmax(score / temperature)
  [[nodiscard]] std::vector<double> popularity() const;
  /// One step with these shares of the assignments (sum 1): expected ones give the mean field.
  void advance(std::span<const double> share);
  /// max popularity * E: 1 is balanced.
  [[nodiscard]] double max_over_mean() const;
};

}  // namespace hotexpert
