#include "profiler/layer_profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/kernels/support/plans.hpp"
#include "tests/profiler/fake_kernel.hpp"

namespace hotexpert {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kExperts = 12;
constexpr int kWorkers = 4;

/// A layer on a machine that does not exist: its time is what the fake kernel's tiles say, and each
/// tile scatters by 2 %.
class FakeLayer final : public PreparedLayer {
 public:
  explicit FakeLayer(std::uint32_t trial) : stream_({.seed = 31}, trial) {}

  std::function<double(int handle, const TileRecord&)> planted = [](int, const TileRecord&) {
    return 1.0;
  };
  double host_stall_s = 0;  ///< of handle 0
  double clock_hz = 0;      ///< of handle 0 while others have 3 GHz; 0 = cannot be read
  bool traces = true;

  int load(const DispatchPlan& plan) override {
    std::vector<std::int64_t> rows;
    for (int p = 0; p < plan.num_physical; ++p) rows.push_back(plan.rows(p));
    grids_.push_back(grid_of(std::move(rows), kWorkers, 16, 2));
    grids_.back().computes_full_tiles = false;
    return static_cast<int>(grids_.size()) - 1;
  }
  void unload() override { grids_.clear(); }
  PhaseTimes run(int handle) override { return pass(handle).times; }
  TracedPass run_traced(int handle) override {
    auto traced = pass(handle);
    if (!traces) traced = {traced.times, {}, "This kernel records no tiles.", {}};
    return traced;
  }
  std::vector<float> read_output(int) override { return {}; }
  double verify(int, int&) override { return 0; }
  [[nodiscard]] std::int64_t computed_rows(int) const override { return 0; }

 private:
  TracedPass pass(int handle) {
    FakeKernel kernel{grids_.at(static_cast<std::size_t>(handle)), 100, 1'000'000};
    kernel.slowdown = [this, handle](const TileRecord& tile) {
      return planted(handle, tile) * std::exp(0.02 * stream_.normal());
    };
    TracedPass traced;
    traced.timeline = kernel.run();
    traced.times.permute_s = 5e-6;
    traced.times.combine_s = 5e-6;
    traced.times.expert_ffn_s = summarise(traced.timeline).span_s + 1e-6;
    traced.times.total_s = *traced.times.expert_ffn_s + 12e-6 + (handle == 0 ? host_stall_s : 0);
    // Readings scatter as they do on a real machine.
    if (clock_hz > 0)
      traced.clock_hz = (handle == 0 ? clock_hz : 3e9) * (1 + 0.002 * stream_.normal());
    return traced;
  }

  RandomStream stream_;
  std::vector<TileGrid> grids_;
};

/// 960 tokens, one expert a token: expert 5 takes a third of them, or each expert 80.
DispatchPlan plan_with(bool skewed) {
  return test::plan_of(test::route(
      960, 1, kExperts, [&](auto t, int) { return skewed && t % 3 == 0 ? 5 : int(t % kExperts); }));
}

LayerProfile profile(FakeLayer& layer) {
  ProfileArms arms;
  const auto skewed = plan_with(true);
  arms.measured.handle = layer.load(skewed);
  arms.control.handle = layer.load(plan_with(false));
  arms.relabelled.handle = layer.load(relabel_by_heat(skewed));
  return profile_of(run_profile_steps(layer, arms, 8));
}

TEST(LayerProfileTest, NamesTheSlowHotExpertInNearlyEveryRun) {
  int named = 0;
  int explained = 0;
  for (std::uint32_t trial = 0; trial < 100; ++trial) {
    FakeLayer layer(trial);
    layer.planted = [](int handle, const TileRecord& tile) {
      return handle == 0 && tile.expert == 5 ? 1.6 : 1.0;
    };
    const auto found = profile(layer);
    ASSERT_THAT(found.faults, IsEmpty());
    const auto& first = found.ledger.entries.front();
    named += first.cause == LedgerCause::kExpert && first.index == 5 ? 1 : 0;
    explained += std::abs(found.ledger.booked_s(LedgerCause::kUnexplained)) <=
                         0.1 * std::abs(found.ledger.difference_s())
                     ? 1
                     : 0;
  }
  EXPECT_GE(named, 95);
  EXPECT_GE(explained, 95);
}

TEST(LayerProfileTest, NamesASlowWorkerAndAHostStall) {
  FakeLayer slow_worker(1);
  slow_worker.planted = [](int handle, const TileRecord& tile) {
    return handle == 0 && tile.worker == 2 ? 2.0 : 1.0;
  };
  const auto worker = profile(slow_worker);
  EXPECT_EQ(worker.ledger.entries.front().cause, LedgerCause::kWorker);
  EXPECT_EQ(worker.ledger.entries.front().index, 2);
  EXPECT_TRUE(worker.resolved());

  FakeLayer stalled(2);
  stalled.host_stall_s = 200e-6;
  EXPECT_EQ(profile(stalled).ledger.entries.front().cause, LedgerCause::kHostGaps);
}

TEST(LayerProfileTest, AClockChangeIsBookedInNearlyEveryRun) {
  int named = 0;
  int explained = 0;
  for (std::uint32_t trial = 0; trial < 100; ++trial) {
    FakeLayer layer(trial);
    layer.clock_hz = 2.4e9;
    layer.planted = [](int handle, const TileRecord&) { return handle == 0 ? 3.0 / 2.4 : 1.0; };
    const auto found = profile(layer);
    named += found.ledger.entries.front().cause == LedgerCause::kClock ? 1 : 0;
    explained += found.ledger.unexplained_fraction() <= 0.1 ? 1 : 0;
    EXPECT_NEAR(*found.measured_clock_hz / *found.control_clock_hz, 0.8, 0.01);
  }
  EXPECT_GE(named, 95);
  EXPECT_GE(explained, 95);
}

TEST(LayerProfileTest, ReadingsOfOneClockBookNothing) {
  FakeLayer layer(6);
  layer.clock_hz = 3e9;
  EXPECT_EQ(profile(layer).ledger.booked_s(LedgerCause::kClock), 0);
}

TEST(LayerProfileTest, AddsUpAndStatesItsNoise) {
  FakeLayer layer(3);
  const auto found = profile(layer);
  double sum = 0;
  for (const auto& entry : found.ledger.entries) sum += entry.seconds;
  EXPECT_NEAR(sum, found.ledger.difference_s(), 1e-12);
  EXPECT_EQ(found.pairs.size() + found.outliers, 8U);
  ASSERT_TRUE(found.difference_ci95.has_value());
  EXPECT_NEAR(found.trace_overhead.value, 0, 0.05);
  EXPECT_LT(found.untiled_fraction, 0.03);
}

TEST(LayerProfileTest, EqualPlansAreNotResolved) {
  FakeLayer layer(4);
  ProfileArms arms;
  const auto even = plan_with(false);
  arms.measured.handle = layer.load(even);
  arms.control.handle = layer.load(even);
  arms.relabelled.handle = layer.load(relabel_by_heat(even));
  EXPECT_FALSE(profile_of(run_profile_steps(layer, arms, 8)).resolved());
}

TEST(LayerProfileTest, WithoutTilesThereIsAReasonAndNoLedger) {
  FakeLayer layer(5);
  layer.traces = false;
  const auto found = profile(layer);
  EXPECT_EQ(found.untraced, "This kernel records no tiles.");
  EXPECT_THAT(found.ledger.entries, IsEmpty());
}

std::vector<std::int64_t> loads_of(const DispatchPlan& plan) {
  std::vector<std::int64_t> loads;
  for (int p = 0; p < plan.num_physical; ++p) loads.push_back(plan.rows(p));
  return loads;
}

TEST(PlanVariantsTest, RelabellingMovesTheLoadsToOtherExperts) {
  auto plan = test::plan_of(test::route(100, 1, 4, [](auto t, int) {
    return t < 60 ? 1 : t < 85 ? 0 : t < 95 ? 3 : 2;
  }));
  EXPECT_THAT(loads_of(plan), ElementsAre(25, 60, 5, 10));
  const auto relabelled = relabel_by_heat(plan);
  check_invariants(relabelled);
  EXPECT_THAT(loads_of(relabelled), ElementsAre(10, 5, 60, 25));
  plan.capacity = {30, 70, 10, 20};
  EXPECT_THAT(relabel_by_heat(plan).capacity, ElementsAre(20, 10, 70, 30));
}

TEST(PlanVariantsTest, RelabellingStaysOnEachRank) {
  auto plan = test::plan_of(
      test::route(100, 1, 4, [](auto t, int) { return t < 90 ? 0 : 1 + int(t % 3); }));
  plan.num_ranks = 2;
  plan.rank_of_expert = {0, 0, 1, 1};
  EXPECT_EQ(relabel_by_heat(plan).rows(1), 90);
}

TEST(PlanVariantsTest, SplittingDealsAnExpertsRowsOut) {
  const auto plan =
      test::plan_of(test::route(100, 1, 3, [](auto t, int) { return t < 80 ? 1 : 0; }));
  const auto split = split_expert(plan, 1, 3);
  check_invariants(split);
  EXPECT_THAT(loads_of(split), ElementsAre(20, 26, 0, 27, 27));
  EXPECT_EQ(split.rank_of_expert.size(), 5U);
  EXPECT_THROW(split_expert(plan, 3, 2), std::logic_error);
  EXPECT_THROW(split_expert(plan, 1, 1), std::logic_error);
}

}  // namespace
}  // namespace hotexpert
