#include "reports/sections/load_heat.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace hotexpert {
namespace {

using ::testing::ElementsAre;

Series load(std::vector<std::int64_t> shape, std::vector<double> values) {
  std::vector<std::string> dims = {"step", "layer", "expert"};
  if (shape.size() == 2) dims.erase(dims.begin());
  return {"load.by_expert",  "count", Provenance::kCounted, dims, std::move(shape),
          std::move(values), ""};
}

TEST(LoadHeatTest, EachStepIsDividedByItsOwnMeanBeforeLayersAreAveraged) {
  const Series grid = load_by_step(load({2, 2, 2}, {3, 1, 10, 10, 0, 4, 8, 0}));
  EXPECT_THAT(grid.dims, ElementsAre("step", "expert"));
  EXPECT_THAT(grid.shape, ElementsAre(2, 2));
  EXPECT_THAT(grid.values, ElementsAre(1.25, 0.75, 1, 1));
  EXPECT_EQ(grid.unit, "ratio");
}

TEST(LoadHeatTest, LayersAreAveragedOverSteps) {
  const Series grid = load_by_layer(load({2, 2, 2}, {3, 1, 10, 10, 0, 4, 8, 0}));
  EXPECT_THAT(grid.dims, ElementsAre("layer", "expert"));
  EXPECT_THAT(grid.values, ElementsAre(0.75, 1.25, 1.5, 0.5));
}

TEST(LoadHeatTest, ManyStepsAreJoinedIntoBinsThatKeepTheMean) {
  const std::int64_t steps = 2 * kMaxHeatSteps + 1;
  std::vector<double> values;
  for (std::int64_t step = 0; step < steps; ++step) {
    values.push_back(static_cast<double>(step % 5));
    values.push_back(4 - values.back());
  }
  const Series grid = load_by_step(load({steps, 1, 2}, values));
  EXPECT_EQ(grid.shape[0], 43) << "bins of three steps";
  EXPECT_DOUBLE_EQ(grid.values[0], (0 + 1 + 2) / 3.0 / 2);
}

TEST(LoadHeatTest, StepsWithoutTokensAndEmptyArraysAreNoNumbers) {
  EXPECT_THAT(load_by_step(load({2, 1, 2}, {0, 0, 1, 3})).values, ElementsAre(0, 0, 0.5, 1.5));
  const Series none = load_by_step(load({1'000'000'000'000, 1, 0}, {}));
  EXPECT_THAT(none.values, ElementsAre());
  EXPECT_EQ(none.shape[0], 0);
}

}  // namespace
}  // namespace hotexpert
