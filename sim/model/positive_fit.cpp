#include "sim/model/positive_fit.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/LU>
#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace hotexpert {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr double kStep = 0.01;
constexpr double kLargestMove = 0.4;  // of ln theta in one iteration
constexpr double kConverged = 1e-7;   // of the objective, relative to the observations
constexpr int kMostIterations = 40;
constexpr double kNormal95 = 1.96;

/// The objective over the observations in use, in x = ln theta.
class Problem {
 public:
  Problem(const PositiveFit& fit, std::span<const std::size_t> used)
      : fit_(fit), used_(used), all_(fit.log_observed.size()), theta_(fit.start.size()) {}

  Vector residuals(const Vector& x) {
    for (Eigen::Index j = 0; j < x.size(); ++j)
      theta_[static_cast<std::size_t>(j)] = std::exp(x[j]);
    fit_.log_predict(theta_, all_);
    Vector out(static_cast<Eigen::Index>(used_.size()));
    for (std::size_t i = 0; i < used_.size(); ++i) {
      out[static_cast<Eigen::Index>(i)] = all_[used_[i]] - fit_.log_observed[used_[i]];
    }
    return out;
  }

  [[nodiscard]] Vector prior_precision() const {
    Vector out(static_cast<Eigen::Index>(fit_.prior_sigma.size()));
    for (std::size_t j = 0; j < fit_.prior_sigma.size(); ++j) {
      out[static_cast<Eigen::Index>(j)] =
          fit_.prior_weight / (fit_.prior_sigma[j] * fit_.prior_sigma[j]);
    }
    return out;
  }

  [[nodiscard]] Vector rho(const Vector& e) const {
    return (e.array().square() + fit_.delta * fit_.delta).sqrt().matrix();
  }

  /// Second derivative of the reweighted objective: J' W J + prior.
  Matrix curvature(const Vector& x, const Vector& e) {
    const Matrix j = jacobian(x);
    const Vector weight = rho(e).cwiseInverse();
    Matrix out = j.transpose() * weight.asDiagonal() * j;
    out.diagonal() += prior_precision();
    return out;
  }

  Matrix jacobian(const Vector& x) {
    Matrix out(static_cast<Eigen::Index>(used_.size()), x.size());
    for (Eigen::Index j = 0; j < x.size(); ++j) {
      Vector up = x, down = x;
      up[j] += kStep;
      down[j] -= kStep;
      const Vector high = residuals(up);
      out.col(j) = (high - residuals(down)) / (2 * kStep);
    }
    return out;
  }

 private:
  const PositiveFit& fit_;
  std::span<const std::size_t> used_;
  std::vector<double> all_;
  std::vector<double> theta_;
};

Vector logarithms(std::span<const double> values) {
  Vector x(static_cast<Eigen::Index>(values.size()));
  for (std::size_t j = 0; j < values.size(); ++j) {
    x[static_cast<Eigen::Index>(j)] = std::log(values[j]);
  }
  return x;
}

PositiveFitResult result_of(const Vector& x, const Vector& prior_share, double mean_loss,
                            int iterations) {
  PositiveFitResult out;
  out.prior_share.assign(prior_share.data(), prior_share.data() + prior_share.size());
  for (Eigen::Index j = 0; j < x.size(); ++j) out.constants.push_back(std::exp(x[j]));
  out.mean_loss = mean_loss;
  out.iterations = iterations;
  return out;
}

}  // namespace

PositiveFitResult fit_positive(const PositiveFit& fit, std::span<const std::size_t> used,
                               std::span<const double> initial) {
  Problem problem(fit, used);
  const Vector start = logarithms(fit.start);
  const Vector precision = problem.prior_precision();
  const auto objective = [&](const Vector& x, const Vector& e) {
    return problem.rho(e).sum() + 0.5 * (precision.array() * (x - start).array().square()).sum();
  };
  Vector x = initial.empty() ? start : logarithms(initial);
  Vector e = problem.residuals(x);
  double value = objective(x, e);
  double damping = 1e-2;
  int iteration = 0;
  for (bool improving = true; improving && iteration < kMostIterations; ++iteration) {
    const Matrix jacobian = problem.jacobian(x);
    const Vector weight = problem.rho(e).cwiseInverse();
    const Matrix weighted = weight.asDiagonal() * jacobian;
    const Vector gradient = weighted.transpose() * e + precision.cwiseProduct(x - start);
    Matrix hessian = jacobian.transpose() * weighted;
    hessian.diagonal() += precision;
    improving = false;
    for (int attempt = 0; attempt < 8 && !improving; ++attempt) {
      Matrix damped = hessian;
      damped.diagonal() *= 1 + damping;
      const Vector move =
          damped.ldlt().solve(-gradient).cwiseMax(-kLargestMove).cwiseMin(kLargestMove);
      const Vector next = x + move;
      const Vector next_e = problem.residuals(next);
      const double next_value = objective(next, next_e);
      if (next_value >= value) {
        damping *= 4;
        continue;
      }
      improving = value - next_value > kConverged * static_cast<double>(used.size());
      x = next;
      e = next_e;
      value = next_value;
      damping = std::max(damping / 4, 1e-6);
      break;
    }
  }
  const Matrix curvature = problem.curvature(x, e);
  const Vector variance = curvature.inverse().diagonal();
  return result_of(x, precision.cwiseProduct(variance), problem.rho(e).mean(), iteration);
}

CrossValidatedFit cross_validate(const PositiveFit& fit, std::span<const int> fold, int folds) {
  const std::size_t n = fit.log_observed.size();
  std::vector<std::size_t> everything(n);
  std::iota(everything.begin(), everything.end(), std::size_t{0});
  CrossValidatedFit out;
  out.fit = fit_positive(fit, everything);
  out.held_out_error.resize(n);
  std::vector<double> predicted(n);
  std::vector<std::vector<double>> log_constants;
  for (int f = 0; f < folds; ++f) {
    std::vector<std::size_t> rest;
    for (std::size_t i = 0; i < n; ++i) {
      if (fold[i] != f) rest.push_back(i);
    }
    const auto part = fit_positive(fit, rest, out.fit.constants);
    fit.log_predict(part.constants, predicted);
    for (std::size_t i = 0; i < n; ++i) {
      if (fold[i] == f) out.held_out_error[i] = std::expm1(predicted[i] - fit.log_observed[i]);
    }
    auto& logs = log_constants.emplace_back();
    for (const double constant : part.constants) logs.push_back(std::log(constant));
  }
  const double t = boost::math::quantile(boost::math::students_t(folds - 1), 0.975);
  for (std::size_t j = 0; j < fit.start.size(); ++j) {
    std::vector<double> values;
    for (const auto& logs : log_constants) values.push_back(logs[j]);
    const double jackknife = std::sqrt(variance(values)) * (folds - 1) / std::sqrt(folds);
    const double half_width = std::hypot(
        t * jackknife, kNormal95 * fit.prior_sigma[j] * std::sqrt(out.fit.prior_share[j]));
    out.interval95.push_back({out.fit.constants[j] * std::exp(-half_width),
                              out.fit.constants[j] * std::exp(half_width)});
  }
  return out;
}

}  // namespace hotexpert
