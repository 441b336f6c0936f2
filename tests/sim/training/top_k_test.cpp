#include "sim/training/top_k.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Ten million rows of finite values, ties, infinities and NaN, k = E and rows of nothing but NaN
/// among them: always k distinct ids in range; finite rows in falling order, ties by index.
TEST(TopKTest, AnyRowGivesDistinctIdsInRange) {
  constexpr int kMostExperts = 12;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr std::array kStrange = {std::numeric_limits<float>::quiet_NaN(),
                                   kInfinity,
                                   -kInfinity,
                                   0.0F,
                                   -0.0F,
                                   1.0F,
                                   -1.0F,
                                   3e38F};
  RandomStream random({.seed = 77, .purpose = RandomPurpose::kTest}, 0);
  std::array<float, kMostExperts> values{};
  std::array<std::int32_t, kMostExperts> ids{};
  std::uint64_t faults = 0;
  for (int row = 0; row < 10'000'000; ++row) {
    const std::uint32_t bits = random.next();
    const int experts = 1 + static_cast<int>(bits % kMostExperts);
    const int k = 1 + static_cast<int>((bits >> 8) % static_cast<std::uint32_t>(experts));
    const bool strange = (bits >> 16 & 1U) != 0;
    const bool all_nan = (bits >> 17 & 31U) == 0;
    std::uint32_t digits = random.next();
    for (int e = 0; e < experts; ++e, digits = digits * 1664525U + 1013904223U) {
      const auto at = static_cast<std::size_t>(e);
      values[at] = all_nan   ? kStrange[0]
                   : strange ? kStrange[digits >> 29]
                             : static_cast<float>(digits >> 24);  // of 256: ties happen
    }
    training::top_k_indices(values.data(), experts, k, ids.data());
    std::uint32_t seen = 0;
    for (int s = 0; s < k; ++s) {
      const std::int32_t id = ids[static_cast<std::size_t>(s)];
      faults += id < 0 || id >= experts || (seen >> id & 1U) != 0;
      seen |= 1U << (id & 31);
      if (strange || all_nan || s == 0) continue;
      const std::int32_t before = ids[static_cast<std::size_t>(s) - 1];
      const float a = values[static_cast<std::size_t>(before)];
      const float b = values[static_cast<std::size_t>(id)];
      faults += !(a > b || (a == b && before < id));
    }
  }
  EXPECT_EQ(faults, 0U);
}

}  // namespace
}  // namespace hotexpert
