#include "sim/metrics/whole_counts.hpp"

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

/// Mostly close together, now and then far away.
std::vector<std::int64_t> random_values(std::uint32_t seed) {
  RandomStream random({.seed = seed, .purpose = RandomPurpose::kTest}, 0);
  const std::uint32_t centre = random.below(5000);
  const std::uint32_t width = 1 + random.below(3000);
  std::vector<std::int64_t> values(random.below(2000));
  for (auto& value : values)
    value = random.below(10) == 0 ? random.below(100'000) : centre + random.below(width);
  return values;
}

TEST(WholeCountsTest, AreTheValuesOverTheDivisorInAnyPartition) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const auto values = random_values(seed);
    ValueCounts expected;
    WholeCounts parts[3];
    RandomStream random({.seed = seed, .purpose = RandomPurpose::kTest}, 1);
    for (const auto value : values) {
      expected.add(static_cast<double>(value) / 7.0);
      parts[random.below(1 + seed % 3)].add(value);
    }
    WholeCounts sum;
    for (const auto& part : parts) sum.merge(part);
    ASSERT_EQ(sum.divided_by(7).values(), expected.values()) << "seed " << seed;
  }
}

TEST(WholeCountsTest, NothingAddedGivesNoValues) {
  WholeCounts none;
  none.merge(WholeCounts{});
  EXPECT_EQ(none.divided_by(1).count(), 0);
}

}  // namespace
}  // namespace hotexpert
