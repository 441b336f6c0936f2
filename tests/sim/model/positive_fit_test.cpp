#include "sim/model/positive_fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Observations of a + b x + c x^2 with relative noise.
struct Planted {
  std::vector<double> truth = {2e-5, 3e-9, 4e-13};
  std::vector<double> x;
  PositiveFit fit;

  Planted(int n, double noise, std::uint32_t item) {
    RandomStream random({5, RandomPurpose::kTest, 0, 0}, item);
    fit.start = {1e-5, 1e-8, 1e-12};
    fit.prior_sigma = {1, 1, 1};
    fit.prior_weight = 1e-3;
    for (int i = 0; i < n; ++i) {
      x.push_back(std::pow(10, 1 + 5.0 * i / n));
      const double y = truth[0] + truth[1] * x.back() + truth[2] * x.back() * x.back();
      fit.log_observed.push_back(std::log(y) + noise * random.normal());
    }
    fit.log_predict = [this](std::span<const double> c, std::span<double> out) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        out[i] = std::log(c[0] + c[1] * x[i] + c[2] * x[i] * x[i]);
      }
    };
  }
  Planted(const Planted&) = delete;
  Planted& operator=(const Planted&) = delete;

  [[nodiscard]] std::vector<int> folds(int k) const {
    std::vector<int> fold(x.size());
    for (std::size_t i = 0; i < fold.size(); ++i) fold[i] = static_cast<int>(i) % k;
    return fold;
  }
};

std::vector<std::size_t> everything(std::size_t n) {
  std::vector<std::size_t> out(n);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

TEST(PositiveFitTest, ExactObservationsGiveBackThePlantedConstants) {
  const Planted planted(30, 0, 0);
  const auto result = fit_positive(planted.fit, everything(30));
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(result.constants[j] / planted.truth[j], 1, 0.01) << j;
  }
}

TEST(PositiveFitTest, IntervalsCoverThePlantedConstantsAboutAsOftenAsTheySay) {
  int covered = 0;
  const int repeats = 20;
  for (std::uint32_t r = 0; r < repeats; ++r) {
    const Planted planted(60, 0.05, r + 1);
    const auto crossed = cross_validate(planted.fit, planted.folds(10), 10);
    for (std::size_t j = 0; j < 3; ++j) {
      covered += crossed.interval95[j].low <= planted.truth[j] &&
                         planted.truth[j] <= crossed.interval95[j].high
                     ? 1
                     : 0;
    }
  }
  EXPECT_GE(covered, 52);  // of 60; the chance to fall below at 95 % coverage is under 1 %
}

TEST(PositiveFitTest, HeldOutErrorsAreThoseOfTheNoise) {
  const Planted planted(100, 0.05, 77);
  const auto crossed = cross_validate(planted.fit, planted.folds(5), 5);
  std::vector<double> size;
  for (const double e : crossed.held_out_error) size.push_back(std::abs(e));
  EXPECT_NEAR(median(size), 0.6745 * 0.05, 0.012);
}

TEST(PositiveFitTest, AFewFailedMeasurementsDoNotSteerIt) {
  Planted planted(60, 0.01, 3);
  for (std::size_t i = 0; i < 60; i += 12) planted.fit.log_observed[i] += 1.5;
  const auto result = fit_positive(planted.fit, everything(60));
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(result.constants[j] / planted.truth[j], 1, 0.05) << j;
  }
}

TEST(PositiveFitTest, WithoutEvidenceAConstantStaysAtItsStart) {
  Planted planted(10, 0, 0);
  planted.fit.log_predict = [](std::span<const double> c, std::span<double> out) {
    for (double& value : out) value = std::log(c[0]);
  };
  const auto result = fit_positive(planted.fit, everything(10));
  EXPECT_NEAR(result.constants[2] / planted.fit.start[2], 1, 1e-9);
}

}  // namespace
}  // namespace hotexpert
