#include "profiler/rank_layer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <mutex>

#include "profiler/cpu_backend.hpp"
#include "sim/core/expert_placement.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/routing/send_rows.hpp"
#include "sim/traces/synthetic_trace.hpp"
#include "tests/profiler/thread_world.hpp"

namespace hotexpert {
namespace {

using testing::ThreadWorld;

constexpr std::uint64_t kSeed = 7;
constexpr int kExperts = 8;

LayerShape shape_of(DataType dtype, int shared) {
  LayerShape shape;
  shape.num_experts = kExperts;
  shape.top_k = 3;
  shape.d_model = 64;
  shape.d_ff = 96;
  shape.num_shared_experts = shared;
  shape.dtype = dtype;
  return shape;
}

/// A skewed batch of 200 tokens, 13 % of its slots dropped by capacity 1.
class RankLayerTest : public ::testing::Test {
 protected:
  RankLayerTest() {
    SyntheticSpec spec;
    spec.num_experts = kExperts;
    spec.top_k = 3;
    spec.layers = 1;
    spec.tokens = 200;
    spec.steps = 1;
    spec.model = "zipf:exponent=1.3";
    spec.weights = true;
    spec.seed = kSeed;
    spec.threads = 1;
    trace_ = make_synthetic_trace(spec);
    batch_ = trace_->read(0, 0, buffer_);
    policy_.factor = Decimal::parse("1");
  }

  [[nodiscard]] std::vector<std::int32_t> owners(int ranks) const {
    std::vector<std::int32_t> owner;
    for (std::int64_t token = 0; token < batch_.tokens; ++token)
      owner.push_back(source_rank(batch_, ranks, token));
    return owner;
  }

  /// What one process computes, all experts in it.
  [[nodiscard]] std::vector<float> one_process(const LayerShape& shape, const char* kernel) const {
    const auto layer = make_cpu_backend(1)->prepare(shape, kernel, kExperts, kSeed);
    const int handle =
        layer->load(plan_dispatch(batch_, ExpertPlacement::contiguous(kExperts), policy_));
    layer->run(handle);
    return layer->read_output(handle);
  }

  /// What `ranks` ranks compute together, by token.
  [[nodiscard]] std::vector<float> together(const LayerShape& shape, const char* kernel,
                                            const ExpertPlacement& placement) {
    const int ranks = placement.num_ranks();
    const auto plan = plan_dispatch(batch_, placement, policy_);
    const auto owner = owners(ranks);
    std::vector<std::int32_t> slot_expert;
    for (const auto expert : placement.physical_to_logical()) slot_expert.push_back(index(expert));
    std::vector<float> output(static_cast<std::size_t>(batch_.tokens * shape.d_model), -1.0F);
    std::mutex mutex;
    ThreadWorld(ranks).run([&](Communicator& world) {
      RankLayer layer(shape, kernel, slot_expert, plan.rank_of_expert, kSeed, world, 1);
      const int handle = layer.load(plan, owner);
      layer.run(handle);
      layer.run(handle);
      int bad_expert = -1;
      const double error = layer.verify(handle, bad_expert);
      const std::lock_guard lock(mutex);
      worst_error_ = std::max(worst_error_, error);
      const auto& tokens = layer.layout(handle).own_tokens;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        std::memcpy(&output[static_cast<std::size_t>(tokens[i] * shape.d_model)],
                    &layer.output(handle)[i * static_cast<std::size_t>(shape.d_model)],
                    static_cast<std::size_t>(shape.d_model) * sizeof(float));
      }
    });
    return output;
  }

  std::shared_ptr<const RoutingTrace> trace_;
  BatchBuffer buffer_;
  RoutingBatch batch_;
  CapacityPolicy policy_;
  double worst_error_ = 0;
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_F(RankLayerTest, OneTwoAndFourRanksGiveTheBitsOfOneProcess) {
  for (const char* kernel : {"grouped", "loop", "padded"}) {
    for (const int shared : {0, 2}) {
      const auto shape = shape_of(DataType::kFp32, shared);
      const auto expected = one_process(shape, kernel);
      for (const int ranks : {1, 2, 4}) {
        EXPECT_TRUE(same_bits(
            expected, together(shape, kernel, ExpertPlacement::contiguous(kExperts, ranks))))
            << kernel << ", " << shared << " shared, " << ranks << " ranks";
      }
    }
  }
  EXPECT_LT(worst_error_, 5e-6);
}

TEST_F(RankLayerTest, CopiesOfAnExpertComputeWhatItComputes) {
  std::vector<LogicalExpert> experts;
  std::vector<Rank> ranks;
  for (int slot = 0; slot < 12; ++slot) {
    experts.push_back(static_cast<LogicalExpert>(slot % kExperts));
    ranks.push_back(static_cast<Rank>(slot / 4));
  }
  const auto shape = shape_of(DataType::kFp32, 0);
  const auto output = together(shape, "grouped", {kExperts, 3, experts, ranks});
  EXPECT_TRUE(same_bits(one_process(shape, "grouped"), output));
}

TEST_F(RankLayerTest, RecordedSourceRanksGiveTheSameBits) {
  std::vector<std::int32_t> recorded;
  for (std::int64_t token = 0; token < batch_.tokens; ++token)
    recorded.push_back(static_cast<std::int32_t>(token * token % 3 % 2));
  batch_.source_rank = recorded;
  const auto shape = shape_of(DataType::kFp32, 1);
  const auto output = together(shape, "grouped", ExpertPlacement::contiguous(kExperts, 2));
  batch_.source_rank = {};
  EXPECT_TRUE(same_bits(one_process(shape, "grouped"), output));
}

TEST_F(RankLayerTest, TheUnequalExchangeConservesRowsBothWays) {
  const int ranks = 4;
  const auto plan = plan_dispatch(batch_, ExpertPlacement::contiguous(kExperts, ranks), policy_);
  const auto owner = owners(ranks);
  std::vector<ExchangeLayout> layouts;
  std::int64_t sent = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    layouts.push_back(lay_out_exchange(plan, rank, owner, 0.0F));
    check_invariants(layouts.back().arrival);
    sent += layouts.back().rows_sent();
  }
  EXPECT_EQ(sent, plan.rows());
  bool unequal = false;
  for (int from = 0; from < ranks; ++from) {
    for (int to = 0; to < ranks; ++to) {
      const auto rows = plan.send_rows[static_cast<std::size_t>(from * ranks + to)];
      EXPECT_EQ(layouts[static_cast<std::size_t>(from)].send_rows[static_cast<std::size_t>(to)],
                rows);
      EXPECT_EQ(layouts[static_cast<std::size_t>(to)].receive_rows[static_cast<std::size_t>(from)],
                rows);
      unequal = unequal || rows != plan.send_rows.front();
    }
  }
  EXPECT_TRUE(unequal);
}

TEST_F(RankLayerTest, Bf16StaysWithinItsTolerance) {
  const auto shape = shape_of(DataType::kBf16, 0);
  const auto output = together(shape, "grouped", ExpertPlacement::contiguous(kExperts, 2));
  EXPECT_EQ(output.size(), static_cast<std::size_t>(batch_.tokens * shape.d_model));
  EXPECT_LT(worst_error_, 5e-3);
  EXPECT_GT(worst_error_, 0);
}

}  // namespace
}  // namespace hotexpert
