#include "sim/traces/anatomy.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

enum Part : std::size_t { kNoise, kStable, kDrift, kOrder };

Anatomy of(const char* model, int experts, int top_k, std::int64_t tokens, std::int64_t steps,
           int threads = 1) {
  SyntheticSpec spec;
  spec.num_experts = experts;
  spec.top_k = top_k;
  spec.layers = 4;
  spec.tokens = tokens;
  spec.steps = steps;
  spec.model = model;
  spec.weights = false;
  return anatomy(*make_synthetic_trace(spec), {.threads = threads});
}

void expect_whole(const LayerAnatomy& part) {
  EXPECT_NEAR(std::accumulate(part.share.begin(), part.share.end(), 0.0), 1.0, 1e-12);
}

TEST(AnatomyTest, AUniformRouterIsNoise) {
  const auto a = of("uniform", 64, 4, 512, 200);
  EXPECT_GE(a.overall.share[kNoise], 0.95);
  EXPECT_NEAR(a.overall.mean_cv2, 60.0 / (512 * 4), 0.02 * 60.0 / (512 * 4));
  expect_whole(a.overall);
  for (const auto& layer : a.layers) expect_whole(layer);
}

/// The planted CV^2 of a model's popularity alone: of very long steps, less their noise.
double planted(const char* model, std::int64_t steps = 2) {
  const auto a = of(model, 64, 1, 200000, steps);
  return a.overall.mean_cv2 - 63.0 / 200000;
}

TEST(AnatomyTest, StablePopularityIsRecovered) {
  const double noise = 63.0 / 512;
  const double stable = planted("gaussian:sigma=0.4");
  const auto a = of("gaussian:sigma=0.4", 64, 1, 512, 200);
  EXPECT_NEAR(a.overall.share[kNoise], noise / (noise + stable), 0.05);
  EXPECT_NEAR(a.overall.share[kStable], stable / (noise + stable), 0.05);
}

TEST(AnatomyTest, DriftIsRecoveredWhereTheHotSetMovesSlowly) {
  // Eight periods of 32 steps, each with its hot set 8 experts further: all of E in turn.
  const double noise = 63.0 / 512;
  const double whole = planted("drift:exponent=0.4:period=1000");
  const auto a = of("drift:exponent=0.4:period=32:stride=8", 64, 1, 512, 256);
  const double total = noise + whole;
  // What the eight rotations have in common is stable: the mean of the rotated popularity.
  EXPECT_NEAR(a.overall.share[kNoise], noise / total, 0.05);
  EXPECT_NEAR(a.overall.share[kDrift] + a.overall.share[kStable], whole / total, 0.05);
  EXPECT_GT(a.overall.share[kDrift], 0.8 * whole / total);
  EXPECT_LT(a.overall.share[kOrder], 0.05);
}

TEST(AnatomyTest, BurstsAreOrderNotPopularity) {
  const double noise = 63.0 / 512;
  const auto bursts = of("bursty:sigma=0.7:run=256", 64, 1, 512, 400);
  // Mean-CV^2 beyond noise is planted by bursts alone.
  const double order = bursts.overall.mean_cv2 - noise;
  EXPECT_NEAR(bursts.overall.share[kOrder], order / (order + noise), 0.05);
  EXPECT_LT(bursts.overall.share[kStable], 0.05);
  EXPECT_LT(bursts.overall.share[kDrift], 0.05);
}

TEST(AnatomyTest, AMixtureOfStableAndBurstsIsSplit) {
  const double noise = 63.0 / 512;
  const double stable = planted("gaussian:sigma=0.4");
  const auto a = of("bursty:sigma=0.5:run=256:base=0.4", 64, 1, 512, 600);
  const double order = a.overall.mean_cv2 - noise - stable;
  const double total = a.overall.mean_cv2;
  EXPECT_GT(order / total, 0.1);
  EXPECT_NEAR(a.overall.share[kNoise], noise / total, 0.05);
  EXPECT_NEAR(a.overall.share[kStable], stable / total, 0.05);
  EXPECT_NEAR(a.overall.share[kOrder], order / total, 0.05);
}

TEST(AnatomyTest, CoactivationOnARankDoublesItsVariation) {
  // Tokens take both experts of rank 0 or both of rank 1, in turn: the number on a rank is 0 or 2
  // (variance 1), where independent slots would give two coin flips (variance 1/2).
  std::vector<std::uint8_t> ids;
  for (int token = 0; token < 64; ++token) {
    const auto first = static_cast<std::uint8_t>(token % 2 == 0 ? 0 : 2);
    ids.push_back(first);
    ids.push_back(static_cast<std::uint8_t>(first + 1));
  }
  TraceArrays arrays;
  arrays.topk_ids = owned_array(std::move(ids), {64, 1, 2});
  const auto trace =
      make_recorded_trace(std::move(arrays), {.num_experts = 4, .tokens_per_step = 16});
  const auto a = anatomy(*trace, {.ranks = 2});
  // Var of a rank's load / mean^2, T = 16, mean rank load 16: 16 * 1 / 256 and 16 * 0.5 / 256.
  EXPECT_DOUBLE_EQ(a.overall.rank_cv2, 1.0 / 16);
  EXPECT_DOUBLE_EQ(a.overall.rank_cv2_independent, 0.5 / 16);
  const auto alone = of("uniform", 32, 4, 512, 50);
  EXPECT_LT(alone.overall.rank_cv2, alone.overall.rank_cv2_independent);  // distinct experts
}

TEST(AnatomyTest, RaggedSourcesAreSeen) {
  EXPECT_NEAR(of("ragged:ranks=4:unevenness=1", 8, 2, 1200, 4).overall.source_max_over_mean, 1.92,
              0.01);
  EXPECT_EQ(of("uniform", 8, 2, 100, 4).overall.source_max_over_mean, 1.0);
}

TEST(AnatomyTest, ThreadsDoNotChangeIt) {
  const auto one = of("bursty", 16, 2, 128, 40, 1);
  const auto three = of("bursty", 16, 2, 128, 40, 3);
  EXPECT_EQ(one.overall.cv2, three.overall.cv2);
  EXPECT_EQ(one.overall.rank_cv2, three.overall.rank_cv2);
}

TEST(AnatomyTest, OneStepIsRefused) { EXPECT_THROW(of("uniform", 8, 2, 100, 1), UsageError); }

TEST(AnatomyTest, TheGptOssTraceShowsItsOrderShare) {
  const auto file = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." /
                    "shared/traces/gpt-oss-20b/topk_ids_u8.npy";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  RecordedSpec spec{
      .file = file.string(), .weights_file = "none", .num_experts = 32, .tokens_per_step = 256};
  const auto recorded = anatomy(*open_recorded_trace(spec), {.threads = 2});
  spec.shuffled = true;
  const auto shuffled = anatomy(*open_recorded_trace(spec), {.threads = 2});
  for (std::size_t p = 0; p < 4; ++p) {
    RecordProperty(std::string(anatomy_parts()[p].name), std::to_string(recorded.overall.share[p]));
  }
  EXPECT_GT(recorded.overall.share[kOrder], 0.2);
  EXPECT_LT(shuffled.overall.share[kOrder], 0.05);
  EXPECT_NEAR(recorded.overall.cv2[kStable], shuffled.overall.cv2[kStable],
              0.1 * shuffled.overall.cv2[kStable]);
}

TEST(AnatomyTest, CountsGiveTheSamePartsAsTheIdsTheyCount) {
  SyntheticSpec spec;
  spec.num_experts = 32;
  spec.top_k = 4;
  spec.layers = 3;
  spec.tokens = 256;
  spec.steps = 40;
  spec.model = "drift:exponent=0.6:period=10";
  const auto trace = make_synthetic_trace(spec);
  const auto of_ids = anatomy(*trace);
  const auto of_counts = anatomy(count_loads(*trace), 4);
  EXPECT_TRUE(of_ids.has_ids);
  EXPECT_FALSE(of_counts.has_ids);
  EXPECT_EQ(of_counts.windows, of_ids.windows);
  EXPECT_EQ(of_counts.overall.cv2, of_ids.overall.cv2);
  for (std::size_t layer = 0; layer < 3; ++layer)
    EXPECT_EQ(of_counts.layers[layer].share, of_ids.layers[layer].share);
}

TEST(AnatomyTest, CountsNeedTheExpertsOfAToken) {
  const LoadMatrix loads(4, 1, 8);
  EXPECT_THROW(anatomy(loads, 0), UsageError);
  EXPECT_THROW(anatomy(loads, 9), UsageError);
  EXPECT_EQ(anatomy(loads, 2).overall.mean_cv2, 0.0);  // no load at all
}

}  // namespace
}  // namespace hotexpert
