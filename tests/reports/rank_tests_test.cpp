#include "reports/gate/rank_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

std::vector<double> normals(std::uint32_t item, int count, double center) {
  RandomStream stream({7, RandomPurpose::kTest, 0, 0}, item);
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(center + stream.normal());
  return out;
}

/// Sum of the ranks of |d| over positive d, by counting.
double signed_rank_sum(const std::vector<double>& differences) {
  double sum = 0;
  for (const double d : differences) {
    if (d <= 0) continue;
    for (const double other : differences) sum += std::fabs(other) <= std::fabs(d);
  }
  return sum;
}

/// Exact two-sided p of the signed-rank test: all 2^n sign patterns.
double exact_signed_rank_p(const std::vector<double>& differences) {
  const double n = static_cast<double>(differences.size());
  const double mean_sum = n * (n + 1) / 4;
  const double observed = std::fabs(signed_rank_sum(differences) - mean_sum);
  int as_extreme = 0;
  const int patterns = 1 << differences.size();
  for (int pattern = 0; pattern < patterns; ++pattern) {
    auto flipped = differences;
    for (std::size_t i = 0; i < flipped.size(); ++i)
      flipped[i] = std::fabs(flipped[i]) * ((pattern >> i & 1) != 0 ? 1 : -1);
    as_extreme += std::fabs(signed_rank_sum(flipped) - mean_sum) >= observed - 1e-9;
  }
  return static_cast<double>(as_extreme) / patterns;
}

/// Exact two-sided p of the Mann-Whitney test: all ways to choose which values come after.
double exact_mann_whitney_p(const std::vector<double>& before, const std::vector<double>& after) {
  std::vector<double> all = before;
  all.insert(all.end(), after.begin(), after.end());
  const auto u_of = [&](const std::vector<bool>& is_after) {
    double u = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j)
        u += !is_after[i] && is_after[j] && all[j] > all[i];
    }
    return u;
  };
  std::vector<bool> chosen(all.size(), false);
  std::fill(chosen.begin() + static_cast<std::ptrdiff_t>(before.size()), chosen.end(), true);
  const double mean_u = static_cast<double>(before.size() * after.size()) / 2;
  const double observed = std::fabs(u_of(chosen) - mean_u);
  std::sort(chosen.begin(), chosen.end());
  int as_extreme = 0;
  int total = 0;
  do {
    ++total;
    as_extreme += std::fabs(u_of(chosen) - mean_u) >= observed - 1e-9;
  } while (std::next_permutation(chosen.begin(), chosen.end()));
  return static_cast<double>(as_extreme) / total;
}

TEST(RankTestsTest, SignedRankAgreesWithAllSignPatterns) {
  for (std::uint32_t item = 0; item < 12; ++item) {
    const auto differences = normals(item, 10, 0.1 * item);
    EXPECT_NEAR(signed_rank(differences).p_value, exact_signed_rank_p(differences), 0.02) << item;
  }
}

TEST(RankTestsTest, MannWhitneyAgreesWithAllAssignments) {
  for (std::uint32_t item = 0; item < 12; ++item) {
    const auto before = normals(2 * item, 6, 0);
    const auto after = normals(2 * item + 1, 7, 0.2 * item);
    EXPECT_NEAR(mann_whitney(before, after).p_value, exact_mann_whitney_p(before, after), 0.02)
        << item;
  }
}

TEST(RankTestsTest, TheShiftIsTheMedianOfAverages) {
  const std::vector<double> differences = {1, 2, 3, 4, 5, 60};
  EXPECT_DOUBLE_EQ(signed_rank(differences).shift, 3.5) << "averages of two, sorted by hand";
  EXPECT_DOUBLE_EQ(mann_whitney(std::vector<double>{0, 1, 2, 3, 4, 5},
                                std::vector<double>{10, 11, 12, 13, 14, 15})
                       .shift,
                   10);
}

TEST(RankTestsTest, IntervalsHoldTheTrueShift95PercentOfTheTime) {
  int signed_rank_holds = 0;
  int mann_whitney_holds = 0;
  constexpr int kRepetitions = 2000;
  for (std::uint32_t item = 0; item < kRepetitions; ++item) {
    const auto differences = normals(1000 + item, 15, 0.7);
    const auto paired = signed_rank(differences);
    signed_rank_holds += paired.ci95.low <= 0.7 && 0.7 <= paired.ci95.high;
    const auto test = mann_whitney(normals(5000 + item, 12, 0), normals(9000 + item, 12, 0.7));
    mann_whitney_holds += test.ci95.low <= 0.7 && 0.7 <= test.ci95.high;
  }
  // 95 % +- 4 standard errors of 0.49 %; the discrete interval may only be wider.
  EXPECT_GT(signed_rank_holds, 0.93 * kRepetitions);
  EXPECT_GT(mann_whitney_holds, 0.93 * kRepetitions);
  EXPECT_LT(signed_rank_holds, 0.98 * kRepetitions);
  EXPECT_LT(mann_whitney_holds, 0.98 * kRepetitions);
}

TEST(RankTestsTest, EqualValuesShowNothing) {
  const std::vector<double> zeros(10, 0.0);
  EXPECT_EQ(signed_rank(zeros).p_value, 1);
  EXPECT_EQ(mann_whitney(zeros, zeros).p_value, 1);
}

}  // namespace
}  // namespace hotexpert
