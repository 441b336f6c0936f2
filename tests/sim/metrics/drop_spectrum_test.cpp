#include "sim/metrics/drop_spectrum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> random_loads(std::uint32_t seed) {
  RandomStream random({.seed = seed}, 0);
  std::vector<std::int64_t> loads;
  const auto experts = random.below(20);
  for (std::uint32_t e = 0; e < experts; ++e) {
    loads.push_back(random.below(random.below(4) == 0 ? 60 : 8));
  }
  return loads;
}

std::int64_t sum_of_excess(const std::vector<std::int64_t>& loads, std::int64_t capacity) {
  std::int64_t dropped = 0;
  for (const auto load : loads) dropped += std::max<std::int64_t>(0, load - capacity);
  return dropped;
}

TEST(DropSpectrumTest, EqualsTheSumOfExcessAtEveryCapacity) {
  DropSpectrum spectrum;
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    const auto loads = random_loads(seed);
    spectrum.assign(loads);
    const auto curve = spectrum.curve();
    ASSERT_EQ(static_cast<std::int64_t>(curve.size()), spectrum.largest_load() + 1);
    for (std::int64_t capacity = 0; capacity < 65; ++capacity) {
      const auto expected = sum_of_excess(loads, capacity);
      ASSERT_EQ(spectrum.dropped(capacity), expected) << "seed " << seed << ", C " << capacity;
      if (capacity < static_cast<std::int64_t>(curve.size())) {
        ASSERT_EQ(curve[static_cast<std::size_t>(capacity)], expected);
      }
    }
  }
}

TEST(DropSpectrumTest, NeverRisesAndIsConvexInTheCapacity) {
  DropSpectrum spectrum;
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    spectrum.assign(random_loads(seed));
    const auto curve = spectrum.curve();
    EXPECT_EQ(curve.front(), spectrum.total());
    EXPECT_EQ(curve.back(), 0);
    for (std::size_t c = 1; c < curve.size(); ++c) EXPECT_LE(curve[c], curve[c - 1]);
    for (std::size_t c = 2; c < curve.size(); ++c) {
      EXPECT_LE(curve[c - 1] - curve[c], curve[c - 2] - curve[c - 1]);
    }
  }
}

TEST(DropSpectrumTest, SmallestCapacityIsTheFirstThatDropsFewEnough) {
  DropSpectrum spectrum;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const auto loads = random_loads(seed);
    spectrum.assign(loads);
    for (std::int64_t most = 0; most < 40; ++most) {
      std::int64_t expected = 0;
      while (sum_of_excess(loads, expected) > most) ++expected;
      ASSERT_EQ(spectrum.smallest_capacity(most), expected) << "seed " << seed << ", most " << most;
    }
  }
}

TEST(DropSpectrumTest, NoExpertsAndNoLoadAreDefined) {
  DropSpectrum spectrum;
  spectrum.assign({});
  EXPECT_EQ(spectrum.dropped(0), 0);
  EXPECT_EQ(spectrum.fraction(0), 0.0);
  EXPECT_THAT(spectrum.curve(), ElementsAre(0));
  const std::vector<std::int64_t> idle = {0, 0};
  spectrum.assign(idle);
  EXPECT_EQ(spectrum.fraction(0), 0.0);
  EXPECT_EQ(spectrum.smallest_capacity(0), 0);
}

TEST(SpectrumSummaryTest, PoolsStepsAndKeepsTheirDistribution) {
  SpectrumSummary summary({0, 2, 3, 100}, {{0, 0}, {25, 2}});
  std::vector<double> at_two;
  std::vector<double> at_three;
  std::vector<std::vector<std::int64_t>> steps;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    auto loads = random_loads(seed);
    DropSpectrum spectrum;
    spectrum.assign(loads);
    summary.add(spectrum);
    at_two.push_back(spectrum.fraction(2));
    at_three.push_back(spectrum.fraction(3));
    steps.push_back(std::move(loads));
  }
  EXPECT_EQ(summary.fractions(1).percentiles(), percentiles(at_two));
  EXPECT_EQ(summary.fractions(2).percentiles(), percentiles(at_three));
  EXPECT_NEAR(summary.fractions(1).mean(), mean(at_two), 1e-14);
  EXPECT_NEAR(summary.fractions(1).standard_error(), std::sqrt(variance(at_two) / 200), 1e-14);
  EXPECT_EQ(summary.fractions(3).mean(), 0.0);
  const auto curve = summary.pooled_curve();
  for (std::int64_t capacity = 0; capacity < 70; ++capacity) {
    std::int64_t dropped = 0;
    std::int64_t total = 0;
    for (const auto& loads : steps) {
      dropped += sum_of_excess(loads, capacity);
      total += sum_of_excess(loads, 0);
    }
    const double expected = static_cast<double>(dropped) / static_cast<double>(total);
    EXPECT_EQ(summary.pooled_fraction(capacity), expected);
    if (capacity < static_cast<std::int64_t>(curve.size())) {
      EXPECT_EQ(curve[static_cast<std::size_t>(capacity)], expected);
    }
  }
}

TEST(SpectrumSummaryTest, NeededCapacityCoversTheShareOfSteps) {
  SpectrumSummary summary({}, {{0, 0}, {5, 1}});
  DropSpectrum spectrum;
  for (std::int64_t hot = 1; hot <= 10; ++hot) {
    const std::vector<std::int64_t> loads = {hot, 0};
    spectrum.assign(loads);
    summary.add(spectrum);
  }
  EXPECT_EQ(summary.needed(0).covering({1, 0}), 10);
  EXPECT_EQ(summary.needed(0).covering({9, 1}), 9);
  EXPECT_EQ(summary.needed(0).covering({5, 2}), 1);
  EXPECT_EQ(summary.needed(1).covering({1, 0}), 5);
}

TEST(SpectrumSummaryTest, MergingInAnyOrderGivesTheSameBits) {
  SpectrumSummary all({1, 2}, {{1, 1}});
  SpectrumSummary odd({1, 2}, {{1, 1}});
  SpectrumSummary even({1, 2}, {{1, 1}});
  DropSpectrum spectrum;
  for (std::uint32_t seed = 0; seed < 10000; ++seed) {
    spectrum.assign(random_loads(seed));
    all.add(spectrum);
    (seed % 2 == 0 ? even : odd).add(spectrum);
  }
  odd.merge(even);
  EXPECT_EQ(odd.fractions(0).mean(), all.fractions(0).mean());
  EXPECT_EQ(odd.fractions(1).standard_error(), all.fractions(1).standard_error());
  EXPECT_EQ(odd.needed(0).percentiles(), all.needed(0).percentiles());
  EXPECT_EQ(odd.pooled_curve(), all.pooled_curve());
}

}  // namespace
}  // namespace hotexpert
