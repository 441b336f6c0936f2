#include "scenarios/runner/drops_study.hpp"

#include <gtest/gtest.h>

namespace hotexpert {
namespace {

StudiedDrops study_with(int threads, PointSpec& spec) {
  Scenario scenario;
  scenario.set("skew.model", "zipf:exponent=0.8", "");
  scenario.set("skew.layers", "3", "");
  scenario.set("step.tokens", "200", "");
  scenario.set("step.count", "100", "");
  AxisChoice choice = scenario.expand(kSweepScopes).front();
  choice["backend"] = "none";
  spec = make_point_spec(choice);
  spec.trace.needs_weights = true;
  DropsStudy study;
  study.query.factors = {Decimal(1, 0), Decimal(15, 1)};
  study.query.policies = {"position", "probs"};
  study.spectrum = true;
  study.tolerances = {Decimal(1, 2)};
  study.num_ranks = 2;
  study.threads = threads;
  return study_drops(study, spec);
}

std::string text_of(const std::vector<PointResult>& points) {
  std::string text;
  for (const auto& point : points) text += to_json(point).dump() + "\n";
  return text;
}

TEST(DropsStudyTest, EveryByteIsTheSameOnAnyNumberOfThreads) {
  PointSpec spec;
  const std::string one = text_of(drops_points(study_with(1, spec), spec));
  EXPECT_GT(one.size(), 10'000U);
  EXPECT_EQ(text_of(drops_points(study_with(2, spec), spec)), one);
  EXPECT_EQ(text_of(drops_points(study_with(3, spec), spec)), one);
}

TEST(DropsStudyTest, AStoppedStudyHasNoResults) {
  PointSpec spec;
  (void)study_with(1, spec);
  DropsStudy study;
  study.query.factors = {Decimal(1, 0)};
  study.should_stop = [] { return true; };
  const auto studied = study_drops(study, spec);
  EXPECT_TRUE(studied.stopped);
  EXPECT_FALSE(studied.table.has_value());
}

TEST(DropsStudyTest, PointsNameTheTraceAndNotTheKernel) {
  PointSpec spec;
  const auto points = drops_points(study_with(2, spec), spec);
  ASSERT_EQ(points.size(), 5U) << "the spectrum, and two policies at two factors";
  for (const auto& point : points) {
    for (const auto& [axis, value] : point.point) {
      EXPECT_NE(axis, "kernel");
      EXPECT_NE(axis, "layer.d_model");
    }
  }
}

}  // namespace
}  // namespace hotexpert
