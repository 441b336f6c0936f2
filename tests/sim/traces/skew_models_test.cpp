#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/skew/reinforcement.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

SyntheticSpec spec_of(const char* model, int experts, int top_k, std::int64_t tokens,
                      std::int64_t steps = 1) {
  SyntheticSpec spec;
  spec.num_experts = experts;
  spec.top_k = top_k;
  spec.tokens = tokens;
  spec.steps = steps;
  spec.model = model;
  spec.weights = false;
  return spec;
}

std::ptrdiff_t hottest(std::span<const std::int64_t> load) {
  return std::max_element(load.begin(), load.end()) - load.begin();
}

TEST(DriftTest, TheHotSetMovesEveryPeriodAndStaysBetween) {
  const auto loads =
      count_loads(*make_synthetic_trace(spec_of("drift:exponent=2:period=3", 16, 1, 4000, 12)));
  for (std::int64_t step = 1; step < 12; ++step) {
    EXPECT_EQ(hottest(loads.at(step, 0)) == hottest(loads.at(step - 1, 0)), step % 3 != 0) << step;
  }
}

double overlap(const char* model) {
  const auto trace = make_synthetic_trace(spec_of(model, 32, 4, 20000));
  BatchBuffer buffer;
  return token_overlap(trace->read(0, 0, buffer));
}

TEST(DomainsTest, ConsecutiveTokensAgreeOnlyWhereTopicsLast) {
  EXPECT_NEAR(overlap("uniform"), 4 * 4 / 32.0, 0.03);
  EXPECT_GT(overlap("domains:sigma=2:run=200"), 1.5);
  EXPECT_LT(overlap("domains:sigma=2:run=1:topics=64"),
            0.75 * overlap("domains:sigma=2:run=200:topics=64"));
  EXPECT_GT(overlap("bursty:sigma=2:run=100"), 1.5);
}

TEST(DomainsTest, RunsGoOnAcrossStepsWithTheStatedMean) {
  // The same tokens cut into steps of another size give the same number of topic changes on
  // average.
  const auto trace =
      make_synthetic_trace(spec_of("domains:sigma=8:run=50:topics=1000", 512, 1, 20, 2000));
  BatchBuffer buffer;
  int changes = 0;
  StoredExpert before = -1;
  for (std::int64_t step = 0; step < 2000; ++step) {
    const auto batch = trace->read(step, 0, buffer);
    for (const auto id : batch.topk_ids) {
      changes += id != before;
      before = id;
    }
  }
  // A lower bound for changes is none; runs of 50 give about 800 topic changes in 40,000 tokens,
  // each seen as at least one change of expert; without continuity each of 2000 steps would start
  // anew.
  EXPECT_GT(changes, 700);
}

TEST(CoactivatedTest, PairsMeetOnTokensWhileLoadsStayEven) {
  const auto together = [](const char* model) {
    const auto trace = make_synthetic_trace(spec_of(model, 32, 4, 40000));
    BatchBuffer buffer;
    const auto batch = trace->read(0, 0, buffer);
    std::map<std::pair<StoredExpert, StoredExpert>, int> pairs;
    for (std::size_t t = 0; t < 40000; ++t) {
      auto ids = std::vector<StoredExpert>(
          batch.topk_ids.begin() + static_cast<std::ptrdiff_t>(t * 4),
          batch.topk_ids.begin() + static_cast<std::ptrdiff_t>(t * 4 + 4));
      std::sort(ids.begin(), ids.end());
      for (int a = 0; a < 4; ++a) {
        for (int b = a + 1; b < 4; ++b)
          ++pairs[{ids[static_cast<std::size_t>(a)], ids[static_cast<std::size_t>(b)]}];
      }
    }
    int most = 0;
    for (const auto& [pair, count] : pairs) most = std::max(most, count);
    std::vector<std::int64_t> load(32);
    count_load(batch, load);
    return std::pair(most, load_cv(load));
  };
  const auto [independent, cv_independent] = together("uniform");
  const auto [paired, cv_paired] = together("coactivated:strength=0.9");
  EXPECT_GT(paired, 5 * independent);
  EXPECT_LT(cv_paired, 0.05);
}

TEST(RaggedTest, RanksHoldUnequalBlocksOfTokens) {
  const auto trace = make_synthetic_trace(spec_of("ragged:ranks=4:unevenness=1", 8, 2, 2500));
  BatchBuffer buffer;
  const auto batch = trace->read(0, 0, buffer);
  ASSERT_EQ(batch.source_rank.size(), 2500U);
  EXPECT_TRUE(std::is_sorted(batch.source_rank.begin(), batch.source_rank.end()));
  const auto first = std::count(batch.source_rank.begin(), batch.source_rank.end(), 0);
  const auto last = std::count(batch.source_rank.begin(), batch.source_rank.end(), 3);
  EXPECT_NEAR(static_cast<double>(first), 1200, 1);  // 1 / (1 + 1/2 + 1/3 + 1/4) = 0.48
  EXPECT_NEAR(static_cast<double>(last), 300, 1);
}

TEST(DirichletTest, TheExpectedSquaredVariationIsThatOfTheLaw) {
  // Dirichlet(a) over E: CV^2 of the shares = (E - 1) / (E a + 1) on average.
  auto spec = spec_of("dirichlet:concentration=0.5", 64, 1, 60000);
  spec.layers = 60;
  const auto loads = count_loads(*make_synthetic_trace(spec));
  double sum = 0;
  for (int layer = 0; layer < 60; ++layer)
    sum += load_cv(loads.at(0, layer)) * load_cv(loads.at(0, layer));
  EXPECT_NEAR(sum / 60, 63 / (64 * 0.5 + 1), 0.3);
}

TEST(GroupLimitTest, TokensUseTheAllowedNumberOfGroups) {
  auto spec = spec_of("uniform", 64, 6, 3000);
  spec.groups = 8;
  spec.topk_groups = 3;
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  const auto batch = trace->read(0, 0, buffer);
  const auto faults = check_batch(batch);
  EXPECT_EQ(faults.duplicate_tokens + faults.out_of_range, 0);
  for (std::size_t t = 0; t < 3000; ++t) {
    std::vector<int> groups;
    for (std::size_t s = 0; s < 6; ++s) groups.push_back(batch.topk_ids[t * 6 + s] / 8);
    std::sort(groups.begin(), groups.end());
    ASSERT_LE(std::unique(groups.begin(), groups.end()) - groups.begin(), 3);
  }
}

TEST(GroupLimitTest, WithEveryGroupAllowedTheLawIsPlainTopK) {
  auto spec = spec_of("zipf:exponent=1", 16, 3, 200000);
  const auto plain = count_loads(*make_synthetic_trace(spec));
  spec.groups = 4;
  spec.topk_groups = 4;
  const auto grouped = count_loads(*make_synthetic_trace(spec));
  for (int e = 0; e < 16; ++e) {
    const auto i = static_cast<std::size_t>(e);
    const double p = static_cast<double>(plain.load[i]);
    EXPECT_NEAR(static_cast<double>(grouped.load[i]), p, 5 * std::sqrt(2 * p)) << e;
  }
}

// --- reinforcement: mean field, k = 1 ---

Reinforcement nearly_balanced(int experts, double ratio) {
  Reinforcement state{.growth = 0, .decay = 0.02, .temperature = 0.5, .score = {}};
  state.growth = ratio * state.decay * state.temperature * experts;
  for (int e = 0; e < experts; ++e) {
    state.score.push_back(1e-3 * state.temperature * (e % 2 == 0 ? 1 : -1) * (1 + e % 3));
  }
  const double fixed_point = state.growth / experts / state.decay;
  for (double& s : state.score) s += fixed_point;
  return state;
}

double spread(const Reinforcement& state) {
  const auto [low, high] = std::minmax_element(state.score.begin(), state.score.end());
  return *high - *low;
}

void run(Reinforcement& state, int steps) {
  for (int i = 0; i < steps; ++i) state.advance(state.popularity());
}

class ReinforcementTest : public testing::TestWithParam<int> {};

TEST_P(ReinforcementTest, BalanceIsLostAtTheLinearThreshold) {
  const auto grows = [&](double ratio) {
    auto state = nearly_balanced(GetParam(), ratio);
    const double before = spread(state);
    run(state, 4000);
    return spread(state) > before;
  };
  double low = 0.5;
  double high = 2.0;
  while (high - low > 1e-3) {
    const double middle = (low + high) / 2;
    (grows(middle) ? high : low) = middle;
  }
  EXPECT_NEAR((low + high) / 2, 1.0, 0.02);
}

TEST_P(ReinforcementTest, TheSkewedStateLivesOnBelowTheThresholdForMoreThanTwoExperts) {
  // One hot expert with score gap x tau is a fixed point at eta / (lambda tau E) =
  // x (e^x + E - 1) / (E (e^x - 1)): the smallest such ratio is where sweeping eta down must end.
  const int experts = GetParam();
  double expected = 1.0;
  for (double x = 1e-3; x < 20; x += 1e-3) {
    expected = std::min(expected, x * (std::exp(x) + experts - 1) / (experts * std::expm1(x)));
  }
  auto state = nearly_balanced(experts, 1.2);
  state.score[0] += 20 * state.temperature;
  run(state, 5000);
  ASSERT_GT(state.max_over_mean(), 1.3);
  double collapse = 0;
  for (double ratio = 1.2; ratio > 0.02 && collapse == 0; ratio *= 0.995) {
    state.growth = ratio * state.decay * state.temperature * experts;
    run(state, 4000);
    if (state.max_over_mean() < 1.01) collapse = ratio;
  }
  EXPECT_NEAR(collapse, expected, 0.02 * expected + (experts == 2 ? 0.02 : 0.0));
  if (experts > 2) {
    EXPECT_LT(collapse, 0.6);
  }
}

INSTANTIATE_TEST_SUITE_P(Experts, ReinforcementTest, testing::Values(2, 8, 64),
                         [](const auto& row) { return "E" + std::to_string(row.param); });

TEST(ReinforcementTraceTest, TheTraceGrowsMoreSkewedStepByStep) {
  const auto loads = count_loads(
      *make_synthetic_trace(spec_of("reinforcement:eta=2:lambda=0.05:tau=1", 8, 1, 4000, 200)));
  EXPECT_LT(max_over_mean(loads.at(0, 0)), 1.2);
  EXPECT_GT(max_over_mean(loads.at(199, 0)), 3);
}

}  // namespace
}  // namespace hotexpert
