#include "kernels/cpu/wgrad_plan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using Tiles = std::array<std::vector<std::int64_t>, kWeightMatrices>;

ExpertRows rows_of(const std::vector<std::int64_t>& loads) {
  ExpertRows rows;
  std::int64_t first = 0;
  for (const auto load : loads) {
    rows.experts.push_back({first, load, load});
    first += load;
  }
  return rows;
}

const Tiles kGated = {{{600, 100}, {600, 100}, {200000, 7, 7}}};
const Tiles kPlain = {{{}, {64}, {64}}};

/// Every (matrix, tile) of every expert gets every row of it exactly once: written once to the
/// gradient itself, and once to each slot; each slot is added exactly once, in order, to each
/// element of its own tile.
void expect_exact(const WgradPlan& plan, const ExpertRows& rows, const Tiles& tiles) {
  using Place = std::tuple<int, int, std::int64_t>;
  std::map<Place, std::vector<int>> covered;
  std::map<std::int64_t, Place> owner;
  std::map<Place, int> owners;
  struct Added {
    std::int64_t elements = 0;  ///< summed so far: ranges must follow each other
    std::int64_t first_partial = 0;
    std::int64_t partials = 0;
  };
  std::map<Place, Added> added;
  for (std::size_t e = 0; e < rows.experts.size(); ++e) {
    for (int m = 0; m < kWeightMatrices; ++m) {
      const auto& of = tiles[static_cast<std::size_t>(m)];
      for (std::size_t t = 0; t < of.size(); ++t) {
        const Place place{static_cast<int>(e), m, static_cast<std::int64_t>(t)};
        covered[place].assign(static_cast<std::size_t>(rows.experts[e].computed), 0);
        owners[place] = 0;
      }
    }
  }
  for (const auto& stage : plan.stages) {
    for (const auto& task : stage.products) {
      const Place place{task.expert, static_cast<int>(task.matrix), task.tile};
      ASSERT_TRUE(covered.contains(place));
      const auto& segment = rows.experts[static_cast<std::size_t>(task.expert)];
      ASSERT_GE(task.first_row, segment.first);
      ASSERT_LE(task.first_row + task.rows, segment.first + segment.computed);
      for (std::int64_t r = 0; r < task.rows; ++r)
        ++covered[place][static_cast<std::size_t>(task.first_row - segment.first + r)];
      if (task.partial < 0) {
        ++owners[place];
      } else {
        EXPECT_LT(task.partial, plan.partials);
        EXPECT_TRUE(owner.emplace(task.partial, place).second) << "a slot is written twice";
      }
    }
    for (const auto& sum : stage.sums) {
      const Place place{sum.expert, static_cast<int>(sum.matrix), sum.tile};
      for (std::int64_t i = 0; i < sum.partials; ++i) {
        ASSERT_TRUE(owner.contains(sum.first_partial + i));
        EXPECT_EQ(owner[sum.first_partial + i], place);
      }
      auto& so_far = added[place];
      EXPECT_EQ(sum.begin, so_far.elements);
      EXPECT_LT(sum.begin, sum.end);
      if (sum.begin > 0) {
        EXPECT_EQ(sum.first_partial, so_far.first_partial);
      }
      so_far = {sum.end, sum.first_partial, sum.partials};
    }
  }
  EXPECT_EQ(std::ssize(owner), plan.partials);
  for (const auto& [place, count] : owners) EXPECT_EQ(count, 1);
  for (const auto& [place, rows_seen] : covered)
    for (const int times : rows_seen) ASSERT_EQ(times, 1);
  std::map<Place, std::vector<std::int64_t>> slots;
  for (const auto& [slot, place] : owner) slots[place].push_back(slot);
  EXPECT_EQ(slots.size(), added.size());
  for (const auto& [place, sum] : added) {
    const auto& [expert, matrix, tile] = place;
    EXPECT_EQ(sum.elements,
              tiles[static_cast<std::size_t>(matrix)][static_cast<std::size_t>(tile)]);
    EXPECT_EQ(sum.partials, std::ssize(slots[place]));
    EXPECT_EQ(sum.first_partial, slots[place].front());
    EXPECT_EQ(sum.first_partial + sum.partials - 1, slots[place].back());
  }
}

TEST(WgradPlanTest, EveryRowOfEveryTileIsSummedOnce) {
  const auto rows = rows_of({1, 0, 5000, 40, 1030, 512, 0});
  for (const auto strategy : {Strategy::kLoop, Strategy::kPadded, Strategy::kGrouped}) {
    for (const auto& tiles : {kGated, kPlain}) {
      for (const std::int64_t split : {0, 1, 17, 512, 100000})
        expect_exact(plan_wgrad(strategy, rows, tiles, split), rows, tiles);
    }
  }
}

TEST(WgradPlanTest, SplitsOnlyExpertsWithMoreRowsThanAPart) {
  const auto plan = plan_wgrad(Strategy::kGrouped, rows_of({512, 513, 1537}), kPlain, 512);
  std::map<int, int> tasks;
  for (const auto& task : plan.stages.at(0).products) {
    ++tasks[task.expert];
    EXPECT_LE(task.rows, 512);
  }
  EXPECT_EQ(tasks, (std::map<int, int>{{0, 2}, {1, 4}, {2, 8}}));
  EXPECT_EQ(plan.partials, 2 * 1 + 2 * 3);
}

TEST(WgradPlanTest, StartsTheLongestTasksFirst) {
  const auto plan = plan_wgrad(Strategy::kGrouped, rows_of({3, 900, 40, 0}), kGated, 0);
  ASSERT_EQ(plan.stages.size(), 1U);
  std::int64_t before = 1 << 30;
  for (const auto& task : plan.stages[0].products) {
    EXPECT_LE(task.rows, before);
    before = task.rows;
  }
}

TEST(WgradPlanTest, LoopEndsAnExpertBeforeTheNextBegins) {
  const auto plan = plan_wgrad(Strategy::kLoop, rows_of({3, 0, 40}), kGated, 0);
  ASSERT_EQ(plan.stages.size(), 3U);
  for (int e = 0; e < 3; ++e)
    for (const auto& task : plan.stages[static_cast<std::size_t>(e)].products)
      EXPECT_EQ(task.expert, e);
}

TEST(WgradPlanTest, AutomaticPartsAreTwiceTheMeanOfTheActiveExperts) {
  EXPECT_EQ(automatic_split_rows(rows_of({6000, 1000, 0, 1000, 0})), 2 * 2667);
  EXPECT_EQ(automatic_split_rows(rows_of({10, 20})), 512);
  EXPECT_EQ(automatic_split_rows(rows_of({})), 512);
}

}  // namespace
}  // namespace hotexpert
