#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

using Flags = std::map<std::string, std::string>;

/// A sweep of a small layer on which a point takes a tenth of a second, `flags` changed or added.
std::vector<std::string> small_sweep(const std::string& dir, const Flags& flags) {
  Flags all = {{"--kernel", "grouped"},
               {"--layer.experts", "16"},
               {"--layer.top_k", "2"},
               {"--layer.d_model", "64"},
               {"--layer.d_ff", "64"},
               {"--layer.scale", "1"},
               {"--step.tokens", "512"},
               {"--step.count", "4"},
               {"--seed", "1"},
               {"--skew.model", "zipf:exponent=1.2"},
               {"--threads", "1"},
               {"--capacity.factor", "none"},
               {"--measure.samples", "6"},
               {"--measure.budget_s", "0.05"},
               {"--skew.target", "none"},
               {"--backend", "cpu"}};
  for (const auto& [flag, value] : flags) all[flag] = value;
  std::vector<std::string> args = {"sweep", "scenarios/quickstart.toml", "--json", "-o", dir};
  for (const auto& [flag, value] : all) args.insert(args.end(), {flag, value});
  return args;
}

const Json& metric(const Json& point, const char* name) { return point.at("metrics").at(name); }

TEST(ExpertParallelTest, VirtualRanksAreTimedOneByOneAndTheNetworkIsModelledApart) {
  const auto result = run_hotexpert(
      small_sweep(fresh_folder("ep"), {{"--ep.ranks", "1,4"}, {"--placement.method", "eplb"}}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "sweep");
  const auto& points = json.at("points").as_array();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].at("metrics").find("layer.step_s"), nullptr);
  const Json& four = points[1];
  const double total_s = metric(four, "layer.total_s").at("value").as_double();
  const double network_s = metric(four, "layer.all_to_all_s").at("value").as_double();
  EXPECT_EQ(metric(four, "layer.total_s").at("provenance").as_string(), "measured");
  EXPECT_EQ(metric(four, "layer.all_to_all_s").at("provenance").as_string(), "modelled");
  EXPECT_EQ(metric(four, "layer.step_s").at("provenance").as_string(), "modelled");
  EXPECT_NEAR(metric(four, "layer.step_s").at("value").as_double(), total_s + network_s, 1e-12);
  EXPECT_GT(network_s, 0);
  EXPECT_EQ(metric(four, "place.window_steps").at("value").as_integer(), 2);
  EXPECT_GE(metric(four, "place.lower_bound_ratio").at("value").as_double(), 1);
  EXPECT_GT(metric(four, "model.step_s").at("value").as_double(), 0);
  const auto straggler = metric(four, "rank.straggler").at("value").as_integer();
  const auto& ffn = four.at("series").at("rank_ffn_s").at("values").as_array();
  ASSERT_EQ(ffn.size(), 4U);
  EXPECT_GT(ffn[static_cast<std::size_t>(straggler)].as_double(), 0);
  EXPECT_EQ(four.at("series").at("straggler.hot_experts").at("shape").as_array()[1].as_integer(),
            2);
}

TEST(ExpertParallelTest, RanksThatDoNotFitAreSkippedWithTheReason) {
  const auto result = run_hotexpert(
      small_sweep(fresh_folder("ep"), {{"--ep.ranks", "4,32"}, {"--backend", "none"}}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "sweep");
  EXPECT_EQ(json.at("points").as_array()[1].at("outcome").as_string(), "skipped");
  EXPECT_THAT(json.at("points").as_array()[1].at("reason").as_string(),
              HasSubstr("32 ranks cannot each hold one of 16 slots"));
}

TEST(ExpertParallelTest, UnknownMethodsAndNetworksEndTheSweepBeforeItBegins) {
  for (const auto& [flag, value] :
       {std::pair{"--placement.method", "ebpl"}, std::pair{"--ep.network", "carrier-pigeon"},
        std::pair{"--ep.network", "nowhere/net.toml"}}) {
    const auto result = run_hotexpert(small_sweep(fresh_folder("ep"), {{flag, value}}));
    EXPECT_EQ(result.exit_code, 2) << value;
    EXPECT_THAT(result.err, HasSubstr(value));
  }
}

TEST(ExpertParallelTest, FourThousandRanksAreCounted) {
  const auto result = run_hotexpert(small_sweep(fresh_folder("ep"), {{"--ep.ranks", "4096"},
                                                                     {"--placement.slots", "4096"},
                                                                     {"--backend", "none"},
                                                                     {"--step.count", "2"}}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "sweep");
  EXPECT_GT(metric(json.at("points").as_array()[0], "rank.max_over_mean").at("value").as_double(),
            1);
}

}  // namespace
}  // namespace hotexpert
