#include "kernels/cuda/plan/wgrad_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/cuda/plan/wgrad_mma_plan.hpp"
#include "tests/kernels/cuda/host_block.hpp"

namespace hotexpert {
namespace {

/// A table made as the device makes it.
struct HostTable {
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> first_row;
  std::vector<std::int32_t> order;
  std::vector<std::int32_t> parts_before;

  HostTable(std::vector<std::int32_t> rows_in, std::int32_t split_rows,
            test::ThreadOrder threads = test::ThreadOrder::kRising)
      : rows(std::move(rows_in)), order(rows.size(), -1), parts_before(rows.size() + 1, -1) {
    std::int32_t first = 0;
    for (const auto r : rows) {
      first_row.push_back(first);
      first += r;
    }
    std::vector<std::int32_t> scratch(rows.size(), -1);
    layout_wgrad(test::HostBlock{threads}, static_cast<int>(rows.size()), rows.data(), split_rows,
                 order.data(), parts_before.data(), scratch.data());
  }
  [[nodiscard]] WgradTable view() const {
    return {order.data(), parts_before.data(), first_row.data(), rows.data(),
            static_cast<int>(rows.size())};
  }
};

/// Every row of every expert is in exactly one part of every tile; each slot belongs to one expert
/// and is full.
void expect_exact(const HostTable& host, std::int32_t split_rows, int left_tiles, int right_tiles) {
  const auto table = host.view();
  using Place = std::tuple<int, int, int>;
  std::map<Place, std::vector<int>> covered;
  std::map<Place, std::set<int>> slots;
  std::map<int, int> owner;
  for (std::int64_t i = 0; i < wgrad_tile_count(table, left_tiles, right_tiles); ++i) {
    const auto part = wgrad_tile_at(table, i, left_tiles, right_tiles);
    const auto e = static_cast<std::size_t>(part.expert);
    ASSERT_LT(e, host.rows.size());
    ASSERT_LT(part.left_tile, left_tiles);
    ASSERT_LT(part.right_tile, right_tiles);
    ASSERT_GE(part.first_row, host.first_row[e]);
    ASSERT_LE(part.first_row + part.rows, host.first_row[e] + host.rows[e]);
    ASSERT_TRUE(part.rows > 0 || host.rows[e] == 0) << "an empty part";
    if (split_rows > 0) {
      ASSERT_LE(part.rows, split_rows);
    }
    const Place place{part.expert, part.left_tile, part.right_tile};
    auto& times = covered[place];
    times.resize(static_cast<std::size_t>(host.rows[e]));
    for (std::int32_t r = 0; r < part.rows; ++r)
      ++times[static_cast<std::size_t>(part.first_row - host.first_row[e] + r)];
    ASSERT_TRUE(slots[place].insert(part.slot).second) << "two parts write one place";
    if (part.slot >= 0) {
      ASSERT_EQ(owner.emplace(part.slot, part.expert).first->second, part.expert);
    }
  }
  ASSERT_EQ(covered.size(), host.rows.size() * static_cast<std::size_t>(left_tiles * right_tiles));
  for (const auto& [place, times] : covered) {
    for (const int count : times) ASSERT_EQ(count, 1);
    ASSERT_TRUE(slots[place].contains(-1)) << "nobody writes the gradient";
  }
  if (!owner.empty()) {
    EXPECT_EQ(owner.rbegin()->first, static_cast<int>(owner.size()) - 1);
  }
}

TEST(WgradScheduleTest, EveryRowOfEveryTileIsInOnePart) {
  for (const std::int32_t split : {0, 16, 64, 512}) {
    for (const auto threads :
         {test::ThreadOrder::kRising, test::ThreadOrder::kFalling, test::ThreadOrder::kShuffled}) {
      expect_exact({{0, 1, 64, 65, 0, 0, 900, 128, 17}, split, threads}, split, 3, 2);
      expect_exact({{5000}, split, threads}, split, 1, 1);
      expect_exact({{0, 0}, split, threads}, split, 2, 2);
    }
  }
}

TEST(WgradScheduleTest, HoldsForRandomLoadsOfManyExperts) {
  for (std::uint32_t trial = 0; trial < 12; ++trial) {
    RandomStream stream({3, RandomPurpose::kTest, trial, 9}, 0);
    std::vector<std::int32_t> rows;
    const auto experts = trial == 0 ? 1024U : 1 + stream.below(60);
    for (std::uint32_t e = 0; e < experts; ++e)
      rows.push_back(stream.below(3) == 0 ? 0 : static_cast<std::int32_t>(stream.below(400)));
    const std::int32_t split =
        trial % 3 == 0 ? 0 : static_cast<std::int32_t>(16 * (1 + stream.below(9)));
    expect_exact({rows, split, test::ThreadOrder::kShuffled}, split,
                 1 + static_cast<int>(stream.below(3)), 2);
  }
}

TEST(WgradScheduleTest, TheHottestExpertStartsFirst) {
  const HostTable host({3, 900, 40, 0, 900}, 0);
  EXPECT_EQ(host.order, (std::vector<std::int32_t>{1, 4, 2, 0, 3}));
  EXPECT_EQ(wgrad_tile_at(host.view(), 0, 2, 2).expert, 1);
}

TEST(WgradScheduleTest, WithoutASplitTheTilesOfEachExpertAreEquallyMany) {
  const HostTable host({100000, 1, 0}, 0);
  EXPECT_EQ(wgrad_tile_count(host.view(), 7, 5), 3 * 35);
  EXPECT_EQ(wgrad_tile_at(host.view(), 0, 7, 5).rows, 100000);
}

TEST(WgradScheduleTest, ASubTableIsItsExpertsAloneWithSlotsOfItsOwn) {
  const HostTable host({40, 100, 0, 70}, 16);
  auto table = host.view();
  for (int place = 0; place < 4; ++place) {
    auto sub = table;
    sub.order += place;
    sub.parts_before += place;
    sub.num_experts = 1;
    const auto e = static_cast<std::size_t>(host.order[static_cast<std::size_t>(place)]);
    const auto parts = wgrad_parts(host.rows[e], 16);
    ASSERT_EQ(wgrad_tile_count(sub, 1, 1), parts);
    for (std::int32_t i = 0; i < parts; ++i) {
      const auto part = wgrad_tile_at(sub, i, 1, 1);
      EXPECT_EQ(part.expert, static_cast<std::int32_t>(e));
      EXPECT_EQ(part.slot, i - 1);
    }
  }
}

TEST(WgradScheduleTest, SumsAddTheSlotsOfTheirExpertInOrder) {
  const HostTable host({40, 100, 0, 70}, 32);  // parts 2, 4, 1, 3: places are experts 1, 3, 0, 2
  const auto table = host.view();
  constexpr std::int64_t kElements = 3;
  std::vector<float> slots;
  for (int slot = 0; slot < 3 + 2 + 1; ++slot)
    for (int i = 0; i < kElements; ++i) slots.push_back(static_cast<float>(100 * slot + i));
  EXPECT_EQ(wgrad_sum(table, 0, slots.data(), kElements, 2, 0.5F), 0.5F + 2 + 102 + 202);
  EXPECT_EQ(wgrad_sum(table, 1, slots.data(), kElements, 0, 1.0F), 1.0F + 300 + 400);
  EXPECT_EQ(wgrad_sum(table, 2, slots.data(), kElements, 1, 0.0F), 501.0F);
  EXPECT_EQ(wgrad_sum(table, 3, slots.data(), kElements, 1, 7.0F), 7.0F);
}

TEST(WgradScheduleTest, HoldsNearTwoToTheThirtyOneRows) {
  const std::int32_t most = 2147483647 - 4096;
  const HostTable host({100, most}, 1 << 20);
  const auto table = host.view();
  const auto count = wgrad_tile_count(table, 16, 3);
  EXPECT_EQ(count, (1 + (std::int64_t{most} + (1 << 20) - 1) / (1 << 20)) * 48);
  const auto last =
      wgrad_tile_at(table, count - 49, 16, 3);  // the hot expert's last part comes before expert 0
  EXPECT_EQ(last.expert, 1);
  EXPECT_EQ(std::int64_t{last.first_row} + last.rows, 100 + std::int64_t{most});
}

/// ldmatrix.trans on the host: lane l of register i holds rows 2 (l % 4) and + 1 of column l / 4 of
/// matrix i, whose row r lies at the address that lane 8 i + r gives.
template <class Address>
std::pair<std::uint32_t, std::uint32_t> loaded(const std::vector<std::uint32_t>& panel,
                                               const Address& address, std::uint32_t lane,
                                               std::uint32_t matrix, std::uint32_t half) {
  const auto at = address(8 * matrix + 2 * (lane % 4) + half);
  const auto element = wgrad::panel_offset(at.row, at.chunk) / 2 + lane / 4;
  return {panel[element] / 1000, panel[element] % 1000};  // (row, column)
}

TEST(WgradMmaPlanTest, FragmentsHoldTheRowsAndColumnsThatTheProductExpects) {
  std::vector<std::uint32_t> panel(wgrad::kPanelBytes / 2, 0);
  std::set<std::uint32_t> offsets;
  for (std::uint32_t row = 0; row < wgrad::kDepth; ++row) {
    for (std::uint32_t column = 0; column < wgrad::kTile; ++column) {
      const auto element = wgrad::panel_offset(row, column / 8) / 2 + column % 8;
      ASSERT_LT(element, panel.size());
      ASSERT_TRUE(offsets.insert(element).second);
      panel[element] = row * 1000 + column;
    }
  }
  for (const std::uint32_t depth : {0U, 16U, 48U}) {
    for (const std::uint32_t column : {0U, 16U, 64U, 112U}) {
      const auto left = [&](std::uint32_t lane) {
        return wgrad::left_address(lane, depth, column);
      };
      const auto right = [&](std::uint32_t lane) {
        return wgrad::right_address(lane, depth, column);
      };
      for (std::uint32_t lane = 0; lane < 32; ++lane) {
        for (std::uint32_t half = 0; half < 2; ++half) {
          const std::uint32_t k = depth + 2 * (lane % 4) + half;
          const std::uint32_t m = column + lane / 4;
          // PTX ISA, m16n8k16: a0 (m, k), a1 (m + 8, k), a2 (m, k + 8), a3 (m + 8, k + 8).
          EXPECT_EQ(loaded(panel, left, lane, 0, half), std::pair(k, m));
          EXPECT_EQ(loaded(panel, left, lane, 1, half), std::pair(k, m + 8));
          EXPECT_EQ(loaded(panel, left, lane, 2, half), std::pair(k + 8, m));
          EXPECT_EQ(loaded(panel, left, lane, 3, half), std::pair(k + 8, m + 8));
          // b0 (k, n), b1 (k + 8, n); registers 2 and 3 are those of the next 8 columns.
          EXPECT_EQ(loaded(panel, right, lane, 0, half), std::pair(k, m));
          EXPECT_EQ(loaded(panel, right, lane, 1, half), std::pair(k + 8, m));
          EXPECT_EQ(loaded(panel, right, lane, 2, half), std::pair(k, m + 8));
          EXPECT_EQ(loaded(panel, right, lane, 3, half), std::pair(k + 8, m + 8));
        }
      }
    }
  }
}

TEST(WgradMmaPlanTest, EightRowsOfAChunkTouchAllBanks) {
  for (std::uint32_t chunk = 0; chunk < 16; ++chunk) {
    std::set<std::uint32_t> banks;
    for (std::uint32_t row = 0; row < 8; ++row)
      banks.insert(wgrad::panel_offset(row, chunk) % 128 / 16);
    EXPECT_EQ(banks.size(), 8U);
  }
}

/// Blocks that take tiles in order of falling rows, each when it is free.
double makespan(const std::vector<std::int64_t>& rows, std::int64_t tiles, int blocks) {
  std::vector<double> free_at(static_cast<std::size_t>(blocks), 0);
  for (const auto count : rows) {
    for (std::int64_t tile = 0; tile < tiles; ++tile)
      *std::ranges::min_element(free_at) += static_cast<double>(count);
  }
  return *std::ranges::max_element(free_at);
}

TEST(WgradScheduleTest, AHotExpertIsHiddenWhereItsLongestTileIsAPartOfTheLaunch) {
  LayerShape shape;
  shape.num_experts = 8;
  shape.top_k = 2;
  shape.d_model = 512;
  shape.d_ff = 512;  // 4 x 4 tiles of the smaller gradient
  // Every one of 1,000 tokens chose the first expert, and one of the others.
  const std::vector<std::int64_t> hot = {1000, 143, 143, 143, 143, 143, 143, 142};
  const std::vector<std::int64_t> even(8, 250);
  EXPECT_DOUBLE_EQ(longest_wgrad_share(shape, 16), 0.5);
  EXPECT_NEAR(makespan(hot, 16, 16) / makespan(even, 16, 16), 1, 0.15);
  EXPECT_DOUBLE_EQ(longest_wgrad_share(shape, 64), 2);
  EXPECT_EQ(makespan(hot, 16, 64), 1000) << "one of its tiles";
  EXPECT_GE(makespan(hot, 16, 64) / makespan(even, 16, 64), 1.9);
}

}  // namespace
}  // namespace hotexpert
