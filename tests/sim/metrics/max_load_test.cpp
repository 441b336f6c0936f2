#include "sim/metrics/max_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace hotexpert {
namespace {

/// Mean of the largest load over all bins^balls outcomes.
double by_enumeration(int balls, int bins) {
  std::vector<int> place(static_cast<std::size_t>(balls), 0);
  double sum = 0;
  double count = 0;
  for (;;) {
    std::vector<int> load(static_cast<std::size_t>(bins), 0);
    for (const int bin : place) ++load[static_cast<std::size_t>(bin)];
    sum += *std::ranges::max_element(load);
    ++count;
    std::size_t i = 0;
    while (i < place.size() && ++place[i] == bins) place[i++] = 0;
    if (i == place.size()) return sum / count;
  }
}

TEST(MaxLoadTest, EqualsTheMeanOverAllOutcomes) {
  for (const int balls : {1, 2, 3, 5, 7})
    for (const int bins : {1, 2, 3, 4})
      EXPECT_NEAR(expected_max_load(balls, bins), by_enumeration(balls, bins), 1e-14)
          << balls << " tokens, " << bins << " experts";
}

TEST(MaxLoadTest, TwoExpertsHaveAClosedForm) {
  // E max(L, n - L) = n/2 + E|L - n/2|; for even n, E|L - n/2| = n/2 * C(n, n/2) / 2^n.
  constexpr double n = 100;
  double central = 1;
  for (int i = 1; i <= 50; ++i) central *= (50.0 + i) / i / 4;
  EXPECT_NEAR(expected_max_load(100, 2), n / 2 + n / 2 * central, 1e-12);
}

TEST(MaxLoadTest, NoTokensLoadNobodyAndNonsenseIsRefused) {
  EXPECT_EQ(expected_max_load(0, 8), 0);
  EXPECT_THROW((void)expected_max_load(-1, 8), std::invalid_argument);
  EXPECT_THROW((void)expected_max_load(1, 0), std::invalid_argument);
}

}  // namespace
}  // namespace hotexpert
