#include "sim/routing/spectrum_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/routing/plan_dispatch.hpp"
#include "tests/sim/routing/random_routing.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;

TEST(SpectrumTableTest, EveryCapacityDropsWhatPlansDrop) {
  for (const std::int64_t group : {0, 5}) {
    std::vector<std::int64_t> capacities;
    for (std::int64_t c = 0; c <= 30; ++c) capacities.push_back(c);
    SpectrumTable table(capacities, {}, group);
    std::vector<double> dropped(capacities.size(), 0.0);
    double all = 0;
    for (std::uint32_t seed = 0; seed < 40; ++seed) {
      const auto routing = testing::random_routing(seed, {.max_experts = 6});
      const auto batch = routing.batch();
      table.add(batch);
      std::int64_t assignments = 0;
      for (std::size_t c = 0; c < capacities.size(); ++c) {
        // A factor of 1 of a rule that gives every group this capacity: count it by hand.
        std::int64_t drops = 0;
        assignments = 0;
        const std::int64_t size = group > 0 ? group : std::max<std::int64_t>(1, batch.tokens);
        for (std::int64_t first = 0; first < batch.tokens; first += size) {
          std::vector<std::int64_t> load(static_cast<std::size_t>(batch.num_experts), 0);
          const auto end = std::min(first + size, batch.tokens) * batch.slots;
          for (auto i = first * batch.slots; i < end; ++i) {
            const auto id = batch.topk_ids[static_cast<std::size_t>(i)];
            if (id < 0 || id >= batch.num_experts) continue;
            ++assignments;
            if (++load[static_cast<std::size_t>(id)] > capacities[c]) ++drops;
          }
        }
        dropped[c] += static_cast<double>(drops);
      }
      all += static_cast<double>(assignments);
    }
    const auto summary = table.all();
    for (std::size_t c = 0; c < capacities.size(); ++c) {
      EXPECT_DOUBLE_EQ(summary.pooled_fraction(capacities[c]), dropped[c] / all)
          << "capacity " << c << ", groups of " << group;
    }
    EXPECT_EQ(summary.fractions(0).count(), 40);
  }
}

TEST(SpectrumTableTest, LayersAreKeptApartAndMergeInAnyOrder) {
  const auto capacities = std::vector<std::int64_t>{1, 3};
  SpectrumTable whole(capacities, {Decimal(1, 1)}, 0);
  SpectrumTable first(capacities, {Decimal(1, 1)}, 0);
  SpectrumTable second(capacities, {Decimal(1, 1)}, 0);
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const auto routing = testing::random_routing(seed, {.max_experts = 6});
    auto batch = routing.batch();
    batch.layer = static_cast<int>(seed % 3);
    whole.add(batch);
    (seed % 2 == 0 ? first : second).add(batch);
  }
  second.merge(first);
  EXPECT_THAT(second.layers(), ElementsAre(0, 1, 2));
  for (const int layer : {0, 1, 2}) {
    EXPECT_EQ(second.of_layer(layer).pooled_curve(), whole.of_layer(layer).pooled_curve());
    EXPECT_EQ(second.of_layer(layer).needed(0).covering(Decimal(9, 1)),
              whole.of_layer(layer).needed(0).covering(Decimal(9, 1)));
  }
  EXPECT_EQ(second.all().fractions(1).percentiles(), whole.all().fractions(1).percentiles());
}

TEST(SpectrumTableTest, DrawnCapacitiesRiseFromNothingToNoDrops) {
  for (const auto& scope : {CapacityScope{.tokens = 1024, .num_experts = 32, .top_k = 4},
                            CapacityScope{.tokens = 4096, .num_experts = 256, .top_k = 8},
                            CapacityScope{.tokens = 3, .num_experts = 1, .top_k = 1},
                            CapacityScope{.tokens = 7, .num_experts = 64, .top_k = 64}}) {
    const auto capacities = spectrum_capacities(scope);
    EXPECT_EQ(capacities.front(), 0);
    EXPECT_EQ(capacities.back(), scope.tokens);
    EXPECT_TRUE(std::is_sorted(capacities.begin(), capacities.end()));
    EXPECT_EQ(std::adjacent_find(capacities.begin(), capacities.end()), capacities.end());
    EXPECT_LT(capacities.size(), 260U);
  }
  const auto usual = spectrum_capacities({.tokens = 1024, .num_experts = 32, .top_k = 4});
  for (const std::int64_t capacity : {128, 160, 192, 256, 512})  // factors 1, 1.25, 1.5, 2, 4
    EXPECT_TRUE(std::binary_search(usual.begin(), usual.end(), capacity)) << capacity;
  EXPECT_THAT(spectrum_capacities({}), ElementsAre(0));
}

}  // namespace
}  // namespace hotexpert
