#include "profiler/rank_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "profiler/rank_trace.hpp"
#include "tests/profiler/fake_kernel.hpp"
#include "tests/profiler/trace_schema.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kRanks = 4;
constexpr int kExpertsARank = 4;
constexpr std::int64_t kTile = 16;

/// A rank whose experts have so many rows; the others of the layer have none here.
TracedPass rank_pass(int rank, const std::vector<std::int64_t>& rows, RandomStream& noise) {
  std::vector<std::int64_t> all(kRanks * kExpertsARank, 0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    all[static_cast<std::size_t>(rank * kExpertsARank) + i] = rows[i];
  FakeKernel kernel{grid_of(all, 2, kTile, 2), 100, 1'000'000};
  kernel.slowdown = [&noise](const TileRecord&) { return std::exp(0.02 * noise.normal()); };
  TracedPass pass;
  pass.timeline = kernel.run();
  pass.times = phases_around(pass.timeline);
  return pass;
}

/// A step in which expert 0 of rank `hot` has `hot_rows` rows and every other expert 64.
RankedPass step_of(int hot, std::int64_t hot_rows, RandomStream& noise, double exchange_s = 10e-6) {
  RankedPass step;
  for (int rank = 0; rank < kRanks; ++rank) {
    std::vector<std::int64_t> rows(kExpertsARank, 64);
    if (rank == hot) rows[0] = hot_rows;
    step.ranks.push_back(rank_pass(rank, rows, noise));
    step.dispatch_s.push_back(rank == hot ? 2 * exchange_s : exchange_s);
    step.return_s.push_back(rank == hot ? 2 * exchange_s : exchange_s);
  }
  return step;
}

TEST(RankLedgerTest, EverySecondOfTheStepIsBooked) {
  RandomStream noise({.seed = 31}, 0);
  const auto measured = step_of(2, 1024, noise);
  const auto control = step_of(-1, 64, noise);
  const auto ledger =
      book_ranks(measured, control, learn_tiles(std::vector{observed(control.ranks[0])}));
  double sum = 0;
  for (const auto& entry : ledger.entries) sum += entry.seconds;
  EXPECT_NEAR(sum, measured.step_s() - control.step_s(), 1e-12);
  EXPECT_NEAR(ledger.measured_s, measured.step_s(), 1e-15);
  for (int rank = 0; rank < kRanks; ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    EXPECT_NEAR(measured.wait_s(rank) + measured.dispatch_s[r] + measured.return_s[r] +
                    measured.ranks[r].times.total_s,
                measured.step_s(), 1e-12);
  }
  EXPECT_NEAR(measured.wait_s(2), 0, 1e-12) << "nobody waits for the last";
}

TEST(RankLedgerTest, WaitsNameThePlantedHotRank) {
  int named = 0;
  for (std::uint32_t trial = 0; trial < 100; ++trial) {
    RandomStream noise({.seed = 32}, trial);
    const int hot = static_cast<int>(noise.below(kRanks));
    RankedSteps all;
    for (int i = 0; i < 6; ++i) {
      all.measured.push_back(step_of(hot, 1024, noise));
      all.control.push_back(step_of(-1, 64, noise));
      all.relabelled.push_back(step_of(hot, 1024, noise));
      all.untraced_s.push_back(all.measured.back().step_s());
    }
    const auto profile = profile_of(all);
    ASSERT_FALSE(profile.ledger.entries.empty());
    const auto& top = profile.ledger.entries.front();
    named += top.cause == LedgerCause::kAllToAll && top.index == hot ? 1 : 0;
    EXPECT_THAT(profile.faults, IsEmpty());
    EXPECT_LE(profile.ledger.unexplained_fraction(), 0.1) << trial;
    // Three of four ranks wait for the rows that the hot one has more.
    EXPECT_NEAR(top.seconds / profile.ledger.difference_s(), 0.75, 0.1) << trial;
  }
  EXPECT_GE(named, 95);
}

TEST(RankLedgerTest, ARankWithoutRowsWaitsAllTheTime) {
  RandomStream noise({.seed = 33}, 0);
  auto measured = step_of(1, 256, noise);
  measured.ranks[3] = rank_pass(3, {}, noise);
  measured.ranks[3].times = {};
  measured.ranks[3].times.expert_ffn_s = 0;
  const auto control = step_of(-1, 64, noise);
  const auto ledger =
      book_ranks(measured, control, learn_tiles(std::vector{observed(control.ranks[0])}));
  EXPECT_NEAR(ledger.difference_s(), measured.step_s() - control.step_s(), 1e-15);
  EXPECT_THAT(ledger.entries.front().sentence(), HasSubstr("all-to-all: wait for rank 1: +"));
}

TEST(RankLedgerTest, UnequalNumbersOfRanksAreOurBug) {
  RandomStream noise({.seed = 34}, 0);
  auto fewer = step_of(0, 64, noise);
  fewer.ranks.pop_back();
  const auto step = step_of(0, 64, noise);
  EXPECT_THROW((void)book_ranks(step, fewer, learn_tiles(std::vector{observed(step.ranks[0])})),
               std::logic_error);
}

TEST(RankTraceTest, TracedRanksShareATimeLineWithArrowsToThoseThatWait) {
  RandomStream noise({.seed = 35}, 0);
  const auto step = step_of(2, 1024, noise);
  TraceEvents trace;
  add_rank_passes(trace, step, "worker");
  const Json json = trace.to_json();
  EXPECT_THAT(trace_schema_faults(json), IsEmpty());
  std::map<std::string, int> arrows;
  std::map<std::int64_t, double> last_us;
  std::map<std::int64_t, double> compute_us;
  std::map<std::int64_t, double> expert_begin_us;
  for (const auto& event : json.at("traceEvents").as_array()) {
    const auto& phase = event.at("ph").as_string();
    const auto& name = event.at("name").as_string();
    if (phase == "s") ++arrows[name];
    if (phase != "X") continue;
    const auto pid = event.at("pid").as_integer();
    const double end = event.at("ts").as_double() + event.at("dur").as_double();
    last_us[pid] = std::max(last_us[pid], end);
    if (event.at("cat").as_string() == "tile") compute_us[pid] += event.at("dur").as_double();
    if (name == "permute") expert_begin_us[pid] = event.at("ts").as_double();
  }
  EXPECT_EQ(arrows["dispatch to combine"], kRanks);
  EXPECT_EQ(arrows["wait for rank 2"], kRanks - 1);
  ASSERT_EQ(last_us.size(), static_cast<std::size_t>(kRanks)) << "a process a rank";
  EXPECT_NEAR(last_us[2], 1e6 * step.step_s(), 0.01 * last_us[2]) << "from the step's start";
  for (int rank = 0; rank < kRanks; ++rank) {
    EXPECT_NEAR(expert_begin_us[rank], 20, 0.01) << "all begin when the last has its rows";
    EXPECT_NEAR(compute_us[rank],
                1e6 * summarise(step.ranks[static_cast<std::size_t>(rank)].timeline).busy_s,
                0.01 * compute_us[rank]);
  }
}

}  // namespace
}  // namespace hotexpert
