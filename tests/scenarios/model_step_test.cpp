#include "scenarios/runner/model_step.hpp"

#include <gtest/gtest.h>

namespace hotexpert {
namespace {

TEST(ModelStepTest, FindsThePlantedLaw) {
  const std::vector<double> rows = {10, 100, 1000, 4000};
  std::vector<double> seconds;
  for (const double r : rows) seconds.push_back(2e-5 + 3e-7 * r);
  const RankLaw law = fit_rank_law(rows, seconds);
  EXPECT_NEAR(law.start_s, 2e-5, 1e-10);
  EXPECT_NEAR(law.row_s, 3e-7, 1e-12);
}

TEST(ModelStepTest, EqualRanksGiveALineThroughTheOrigin) {
  const RankLaw law = fit_rank_law(std::vector<double>{50, 50}, std::vector<double>{1e-3, 1e-3});
  EXPECT_EQ(law.start_s, 0);
  EXPECT_NEAR(law.seconds(100), 2e-3, 1e-12);
}

TEST(ModelStepTest, SumsTheSlowestRankOfEachLayerOverTheModelsLayers) {
  AxisChoice choice = Scenario().expand(kSweepScopes).front();
  choice["layer.preset"] = "mixtral-8x7b";  // 32 MoE layers
  choice["layer.experts"] = "2";
  choice["layer.top_k"] = "1";
  choice["ep.ranks"] = "2";
  const PointSpec spec = make_point_spec(choice);
  Placements placements;
  placements.by_layer.assign(2, PlacedLayer(ExpertPlacement::contiguous(2, 2)));
  placements.window = 1;
  LoadMatrix load(2, 2, 2);
  load.load = {100, 0, 0, 100, /* scored */ 30, 10, 10, 30};
  PointResult result;
  add_model_step(spec, placements, load, {0, 1.0}, result);
  // Each layer waits for 30 rows, on different ranks: the maximum of sums would say 40.
  EXPECT_DOUBLE_EQ(result.find("model.step_s")->value, 60.0 * 32 / 2);
  EXPECT_DOUBLE_EQ(result.find("model.imbalance_share")->value, 1 - 40.0 / 60);
}

}  // namespace
}  // namespace hotexpert
