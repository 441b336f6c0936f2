#include "sim/model/nonnegative_least_squares.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>

namespace hotexpert {
namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

/// A x restricted to the columns in `passive`, least squares by normal equations.
Vector solve_passive(const Matrix& a, const Vector& b, const std::vector<Eigen::Index>& passive) {
  Matrix part(a.rows(), static_cast<Eigen::Index>(passive.size()));
  for (std::size_t k = 0; k < passive.size(); ++k) {
    part.col(static_cast<Eigen::Index>(k)) = a.col(passive[k]);
  }
  const Vector solved = (part.transpose() * part).ldlt().solve(part.transpose() * b);
  Vector x = Vector::Zero(a.cols());
  for (std::size_t k = 0; k < passive.size(); ++k)
    x[passive[k]] = solved[static_cast<Eigen::Index>(k)];
  return x;
}

/// Moves from x towards `aim` until the first component would turn negative; drops those at zero.
void step_to_boundary(Vector& x, const Vector& aim, std::vector<Eigen::Index>& passive) {
  double share = 1;
  for (const Eigen::Index j : passive) {
    if (aim[j] <= 0) share = std::min(share, x[j] / (x[j] - aim[j]));
  }
  x += share * (aim - x);
  std::erase_if(passive, [&x](Eigen::Index j) {
    if (x[j] > 1e-14) return false;
    x[j] = 0;
    return true;
  });
}

}  // namespace

std::vector<double> nonnegative_least_squares(std::span<const double> matrix,
                                              std::span<const double> target, std::size_t columns) {
  const auto rows = static_cast<Eigen::Index>(target.size());
  const auto width = static_cast<Eigen::Index>(columns);
  const Matrix a =
      Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
          matrix.data(), rows, width);
  const Vector b = Eigen::Map<const Vector>(target.data(), rows);
  const double tolerance = 1e-12 * (a.transpose() * b).cwiseAbs().maxCoeff();
  Vector x = Vector::Zero(width);
  std::vector<Eigen::Index> passive;
  for (std::size_t pass = 0; pass < 3 * columns; ++pass) {
    const Vector gradient = a.transpose() * (b - a * x);
    Eigen::Index best = -1;
    for (Eigen::Index j = 0; j < width; ++j) {
      const bool candidate = std::find(passive.begin(), passive.end(), j) == passive.end();
      if (candidate && gradient[j] > tolerance && (best < 0 || gradient[j] > gradient[best]))
        best = j;
    }
    if (best < 0) break;
    passive.push_back(best);
    for (Vector aim = solve_passive(a, b, passive);; aim = solve_passive(a, b, passive)) {
      const bool inside = std::all_of(passive.begin(), passive.end(),
                                      [&aim](Eigen::Index j) { return aim[j] > 0; });
      if (inside || passive.empty()) {
        x = aim;
        break;
      }
      step_to_boundary(x, aim, passive);
    }
  }
  return {x.data(), x.data() + x.size()};
}

}  // namespace hotexpert
