#include "reports/gate/rounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/gate/gate.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;

/// Round `second` of a side: one point whose samples lie around `seconds`.
void write_round(const std::string& dir, int second, double seconds) {
  Json manifest = test_support::small_manifest();
  manifest.set("created", "2026-01-31T12:00:" + std::to_string(10 + second) + "Z");
  auto writer = RunWriter::create(dir, manifest);
  auto point = test_support::small_point(2, "grouped");
  point.measurements[1].samples = {seconds, 0.9 * seconds, 1.5 * seconds};
  writer.append(point);
}

TEST(RoundsTest, ARoundIsOneSampleItsMedian) {
  const test_support::TemporaryFolder folder;
  for (int round = 1; round <= 6; ++round)
    write_round(folder.path("base/" + std::to_string(round)), round, 0.01 * round);
  const auto pooled = pool_rounds(read_rounds(folder.path("base")));
  ASSERT_EQ(pooled.points.size(), 1U);
  const auto& time = *pooled.points[0].find("layer.total_s");
  EXPECT_THAT(time.samples, ElementsAre(0.01, 0.02, 0.03, 0.04, 0.05, 0.06));
  EXPECT_DOUBLE_EQ(time.value, 0.035);
  EXPECT_EQ(time.ci95->low, 0.01);
  EXPECT_EQ(pooled.points[0].find("load.max_over_mean")->value, 2) << "counted once";
}

TEST(RoundsTest, RoundsInTurnAreComparedPairByPairAndTakeDriftOut) {
  const test_support::TemporaryFolder folder;
  for (int round = 1; round <= 8; ++round) {
    const double drift = 1 + 0.2 * round;
    write_round(folder.path("base/" + std::to_string(round)), 2 * round, 0.01 * drift);
    write_round(folder.path("new/" + std::to_string(round)), 2 * round + 1, 0.0102 * drift);
  }
  const auto [base, now] = read_sides(folder.path("base"), folder.path("new"));
  const auto result = compare_runs(base, now, {});
  ASSERT_EQ(result.pairs.size(), 1U);
  EXPECT_EQ(result.pairs[0].test, PairTest::kSignedRank);
  EXPECT_EQ(result.pairs[0].verdict, PairVerdict::kSlower);
  EXPECT_NEAR(result.pairs[0].ratio, 1.02, 1e-9);
}

TEST(RoundsTest, OneSideAfterTheOtherIsNotInTurn) {
  const test_support::TemporaryFolder folder;
  for (int round = 1; round <= 6; ++round) {
    write_round(folder.path("base/" + std::to_string(round)), round, 0.01);
    write_round(folder.path("new/" + std::to_string(round)), 20 + round, 0.01);
  }
  const auto [base, now] = read_sides(folder.path("base"), folder.path("new"));
  EXPECT_EQ(compare_runs(base, now, {}).pairs[0].test, PairTest::kMannWhitney);
}

TEST(RoundsTest, APointThatFailsInOneRoundFailed) {
  const test_support::TemporaryFolder folder;
  std::vector<hotexpert::Run> rounds;
  for (int round = 1; round <= 2; ++round) {
    write_round(folder.path(std::to_string(round)), round, 0.01);
    rounds.push_back(read_run(folder.path(std::to_string(round))));
  }
  rounds[1].points[0].outcome = Outcome::kFailed;
  rounds[1].points[0].reason = "wrong";
  const auto pooled = pool_rounds(std::move(rounds));
  EXPECT_EQ(pooled.points[0].outcome, Outcome::kFailed);
  EXPECT_EQ(pooled.points[0].reason, "wrong");
}

TEST(RoundsTest, AFolderThatIsNeitherIsRefused) {
  const test_support::TemporaryFolder folder;
  EXPECT_THROW(read_rounds(folder.path("nothing")), InputError);
}

}  // namespace
}  // namespace hotexpert
