#include "kernels/cuda/plan/route_phases.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/cuda/plan/layer_memory.hpp"
#include "kernels/expert_rows.hpp"
#include "tests/kernels/cuda/host_block.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using test::HostBlock;
using test::ThreadOrder;

/// The three kernels on the host, over a grid of blocks.
struct HostRouting {
  std::vector<std::int32_t> row_of_slot;
  std::vector<std::int32_t> first_row, kept, computed, order, tiles_before;
  std::vector<std::int32_t> counts, ids, scratch;

  HostRouting(const std::vector<std::int32_t>& experts, int num_experts, LayoutRules rules,
              int chunk, ThreadOrder thread_order = ThreadOrder::kRising) {
    const auto e = static_cast<std::size_t>(num_experts);
    const Assignments in{experts.data(), std::ssize(experts), num_experts, chunk};
    const int chunks = static_cast<int>((in.count + chunk - 1) / chunk);
    row_of_slot.assign(experts.size(), -7);
    counts.assign(e * static_cast<std::size_t>(chunks), -7);
    ids.assign(static_cast<std::size_t>(chunk), -7);
    scratch.assign(2 * e, -7);
    for (auto* array : {&kept, &computed, &order}) array->assign(e, -7);
    for (auto* array : {&first_row, &tiles_before}) array->assign(e + 1, -7);
    const ExpertLayout out{first_row.data(), kept.data(), computed.data(), order.data(),
                           tiles_before.data()};
    const HostBlock block{thread_order};
    for (int c = 0; c < chunks; ++c) count_chunk(block, in, c, ids.data(), counts.data());
    layout_experts(block, num_experts, chunks, rules, counts.data(), out, scratch.data());
    for (int c = chunks - 1; c >= 0; --c)
      scatter_chunk(block, in, c, counts.data(), out, ids.data(), row_of_slot.data());
  }
};

std::vector<std::int32_t> random_experts(std::uint32_t trial, int count, int num_experts) {
  RandomStream stream({5, RandomPurpose::kTest, trial, 0}, 0);
  std::vector<std::int32_t> experts;
  for (int i = 0; i < count; ++i) {
    const auto draw =
        static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(num_experts)) *
                                  stream.below(static_cast<std::uint32_t>(num_experts)) /
                                  static_cast<std::uint32_t>(num_experts));
    experts.push_back(stream.below(9) == 0 ? -1 : draw);
  }
  return experts;
}

TEST(RoutePhasesTest, GiveTheRowsThatTheHostArranges) {
  for (std::uint32_t trial = 0; trial < 12; ++trial) {
    const int experts = trial % 3 == 0 ? 5 : 37;
    const auto ids = random_experts(trial, 3 * 211, experts);
    const auto routing = test::route(
        211, 3, experts, [&](auto t, int s) { return ids[static_cast<std::size_t>(3 * t + s)]; });
    const auto plan = test::plan_of(routing);
    LayerShape shape;
    shape.num_experts = experts;
    shape.top_k = 3;
    for (const bool padded : {false, true}) {
      const auto expected = padded ? padded_rows(plan, shape) : compact_rows(plan, shape);
      LayoutRules rules;
      rules.tile_rows = 16;
      if (padded) {
        rules.padded_experts = experts;
        rules.padded_rows = static_cast<std::int32_t>(expected.experts[0].computed);
      }
      const HostRouting host(ids, experts, rules, 64);
      EXPECT_EQ(host.row_of_slot, expected.row_of_slot);
      for (std::size_t e = 0; e < expected.experts.size(); ++e) {
        EXPECT_EQ(host.first_row[e], expected.experts[e].first);
        EXPECT_EQ(host.kept[e], expected.experts[e].used);
        EXPECT_EQ(host.computed[e], expected.experts[e].computed);
      }
      EXPECT_EQ(host.first_row.back(), expected.buffer_rows());
    }
  }
}

TEST(RoutePhasesTest, DropBehindTheCapacityInTokenOrder) {
  const std::vector<std::int32_t> ids = {1, 0, 1, 1, -1, 0, 1, 2};
  const std::vector<std::int32_t> capacity = {5, 2, 0};
  LayoutRules rules;
  rules.capacity = capacity.data();
  const HostRouting host(ids, 3, rules, 4);
  EXPECT_EQ(host.row_of_slot, (std::vector<std::int32_t>{2, 0, 3, -1, -1, 1, -1, -1}));
  EXPECT_EQ(host.kept, (std::vector<std::int32_t>{2, 2, 0}));
}

TEST(RoutePhasesTest, CapacityEqualsTheDispatchPlansOfThePositionPolicy) {
  for (std::uint32_t trial = 0; trial < 8; ++trial) {
    const auto ids = random_experts(trial + 100, 900, 16);
    const std::vector<std::int32_t> capacity(16, 20 + 5 * static_cast<std::int32_t>(trial));
    LayoutRules rules;
    rules.capacity = capacity.data();
    const HostRouting host(ids, 16, rules, 128);
    std::vector<int> taken(16, 0);
    std::int64_t dropped = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0) {
        EXPECT_EQ(host.row_of_slot[i], -1);
        continue;
      }
      const auto e = static_cast<std::size_t>(ids[i]);
      const bool fits = taken[e] < capacity[e];
      EXPECT_EQ(host.row_of_slot[i], fits ? host.first_row[e] + taken[e] : -1);
      taken[e] += fits ? 1 : 0;
      dropped += fits ? 0 : 1;
    }
    EXPECT_GT(dropped, 0);
  }
}

TEST(RoutePhasesTest, DependOnNeitherChunksNorThreadOrder) {
  const auto ids = random_experts(1, 5000, 200);
  LayoutRules rules;
  rules.hot_first = true;
  rules.tile_rows = 64;
  const HostRouting one(ids, 200, rules, 8192);
  for (const int chunk : {4, 512, 4096}) {
    for (const auto order : {ThreadOrder::kRising, ThreadOrder::kFalling, ThreadOrder::kShuffled}) {
      const HostRouting other(ids, 200, rules, chunk, order);
      EXPECT_EQ(one.row_of_slot, other.row_of_slot);
      EXPECT_EQ(one.order, other.order);
      EXPECT_EQ(one.tiles_before, other.tiles_before);
    }
  }
}

TEST(RoutePhasesTest, HotFirstSortsExpertsByFallingRowsAndThenByNumber) {
  const std::vector<std::int32_t> ids = {3, 3, 1, 1, 0, 4, 4, 4};
  LayoutRules rules;
  rules.hot_first = true;
  rules.tile_rows = 2;
  const HostRouting host(ids, 6, rules, 8);
  EXPECT_EQ(host.order, (std::vector<std::int32_t>{4, 1, 3, 0, 2, 5}));
  EXPECT_EQ(host.tiles_before, (std::vector<std::int32_t>{0, 2, 3, 4, 5, 5, 5}));
}

TEST(RoutePhasesTest, IdsOutOfRangeHaveNoRow) {
  const std::vector<std::int32_t> ids = {0, 7, -5, std::numeric_limits<std::int32_t>::max(), 1};
  const HostRouting host(ids, 2, {}, 4);
  EXPECT_EQ(host.row_of_slot, (std::vector<std::int32_t>{0, -1, -1, -1, 1}));
}

TEST(RoutePhasesTest, AThousandAndTwentyFourExperts) {
  const auto ids = random_experts(9, 4096, 1024);
  const HostRouting host(ids, 1024, {}, 512);
  std::vector<bool> taken(ids.size(), false);
  std::int32_t rows = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0) continue;
    const auto row = host.row_of_slot[i];
    ASSERT_GE(row, 0);
    ASSERT_FALSE(taken[static_cast<std::size_t>(row)]);
    taken[static_cast<std::size_t>(row)] = true;
    ++rows;
  }
  EXPECT_EQ(host.first_row[1023] + host.kept[1023], rows);
}

TEST(LayerMemoryTest, ChunksCoverAllAssignmentsAndStayFew) {
  for (const std::int64_t count : {0LL, 1LL, 512LL, 513LL, 65536LL, 1LL << 20, 1LL << 31}) {
    const std::int64_t chunk = assignments_per_chunk(count);
    EXPECT_EQ(chunk % 4, 0);
    EXPECT_GE(chunk * chunk_count(count), count);
    EXPECT_GE(chunk_count(count), 1);
  }
}

TEST(LayerMemoryTest, CountsWeightsAndRows) {
  LayerShape shape;
  shape.num_experts = 128;
  shape.top_k = 8;
  shape.d_model = 2048;
  shape.d_ff = 768;
  shape.dtype = DataType::kBf16;
  EXPECT_EQ(weight_set_bytes(shape, 128, 2), 2LL * 128 * 3 * 2048 * 768 * 2);
  const auto fused = plan_bytes(shape, 128, {8192, 8, 65536}, true);
  EXPECT_EQ(fused.expert_rows, 65536LL * (2 * 2048 + 768) * 2);
  const auto split = plan_bytes(shape, 128, {8192, 8, 65536}, false);
  EXPECT_EQ(split.expert_rows - fused.expert_rows, 65536LL * 2 * 768 * 2);
  EXPECT_EQ(fused.activations, 8192LL * 2048 * (2 + 4));
  EXPECT_NE(out_of_memory_text(fused, 1 << 20).find("GiB are free"), std::string::npos);
}

}  // namespace
}  // namespace hotexpert
