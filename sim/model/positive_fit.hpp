#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "sim/base/statistics.hpp"

namespace hotexpert {

/// A fit of positive constants theta to positive observations, on the error of the logarithm:
///   minimise  sum_i w_i rho(ln predicted_i(theta) - ln observed_i)
///             + prior_weight / 2 * sum_j ((ln theta_j - ln start_j) / prior_sigma_j)^2
/// with rho(e) = sqrt(e^2 + delta^2): squared below `delta`, absolute above, so that a few failed
/// measurements do not steer it. Constants stay positive by construction (they move in ln theta).
struct PositiveFit {
  std::vector<double> start;        ///< > 0
  std::vector<double> prior_sigma;  ///< of ln theta, one a constant
  double prior_weight = 1;
  double delta = 0.02;
  std::vector<double> log_observed;
  /// Writes ln predicted of observation i into out[i] for the given constants.
  std::function<void(std::span<const double> constants, std::span<double> out)> log_predict;
};

struct PositiveFitResult {
  std::vector<double> constants;
  /// [constants] share of the posterior variance that the prior supplies: 0 = the observations
  /// decide, 1 = they say nothing and the constant stays where it started.
  std::vector<double> prior_share;
  double mean_loss = 0;  ///< mean of rho at the end
  int iterations = 0;
};

/// Levenberg-Marquardt on the reweighted least-squares form, derivatives by central differences of
/// 1 % in theta. Deterministic. At most 40 iterations of 2 * constants + 1 evaluations.
/// @param used observations that take part, ascending indices
/// @param initial where the search begins; empty = fit.start, which stays the prior's centre
PositiveFitResult fit_positive(const PositiveFit& fit, std::span<const std::size_t> used,
                               std::span<const double> initial = {});

/// Fit with an interval for each constant and the error on observations that were held out.
struct CrossValidatedFit {
  PositiveFitResult fit;  ///< on all observations
  /// Delete-a-fold jackknife (t quantile of folds - 1), widened by the prior's own spread in
  /// proportion to prior_share, so that a constant without evidence has a wide interval.
  std::vector<Interval> interval95;
  std::vector<double> held_out_error;  ///< [n] predicted / observed - 1 by the fit without its fold
};

/// @param fold [n] fold of each observation, 0 … folds - 1   @param folds >= 2
CrossValidatedFit cross_validate(const PositiveFit& fit, std::span<const int> fold, int folds);

}  // namespace hotexpert
