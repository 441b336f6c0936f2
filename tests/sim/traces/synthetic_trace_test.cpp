#include "sim/traces/synthetic_trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "sim/base/statistics.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/skew_model.hpp"

namespace hotexpert {

void PrintTo(const SkewModelRow& row, std::ostream* out) { *out << row.name; }

namespace {

std::uint64_t fnv(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const auto b : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3ULL;
  return hash;
}

std::uint64_t digest(const RoutingTrace& trace) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < trace.info().steps; ++step) {
    for (int layer = 0; layer < trace.info().layers; ++layer) {
      const auto batch = trace.read(step, layer, buffer);
      hash = fnv(hash, std::as_bytes(batch.topk_ids));
      hash = fnv(hash, std::as_bytes(batch.topk_weights));
      hash = fnv(hash, std::as_bytes(batch.scores));
    }
  }
  return hash;
}

double choose_log(double n, double r) {
  return std::lgamma(n + 1) - std::lgamma(r + 1) - std::lgamma(n - r + 1);
}

/// E[(L - C)+] for L ~ Bin(n, p), term by term.
double expected_excess(int n, double p, int capacity) {
  double sum = 0;
  for (int l = capacity + 1; l <= n; ++l) {
    sum += (l - capacity) * std::exp(choose_log(n, l) + l * std::log(p) + (n - l) * std::log1p(-p));
  }
  return sum;
}

constexpr int kExperts = 256;
constexpr int kTopK = 8;
constexpr int kTokens = 1024;

/// Standard errors by which the mean drop fraction at capacity factor 1 misses the binomial law of
/// distinct draws, L ~ Bin(T, k/E).
template <class Draw>
double drop_deviation(const Draw& draw_step, int steps) {
  const int capacity = kTokens * kTopK / kExperts;
  const double expected =
      kExperts * expected_excess(kTokens, static_cast<double>(kTopK) / kExperts, capacity) /
      (kTokens * kTopK);
  EXPECT_NEAR(expected, 0.0692, 0.00005);  // published for E=256, k=8, T=1024
  std::vector<double> drops;
  std::vector<std::int64_t> load(kExperts);
  for (int step = 0; step < steps; ++step) {
    std::fill(load.begin(), load.end(), 0);
    draw_step(step, load);
    double over = 0;
    for (const auto c : load) over += static_cast<double>(std::max<std::int64_t>(0, c - capacity));
    drops.push_back(over / (kTokens * kTopK));
  }
  return (mean(drops) - expected) / std::sqrt(variance(drops) / static_cast<double>(drops.size()));
}

TEST(SyntheticTraceTest, UniformDropsFollowTheBinomialLawOfDistinctDraws) {
  SyntheticSpec spec;
  spec.num_experts = kExperts;
  spec.top_k = kTopK;
  spec.tokens = kTokens;
  spec.steps = 1000;
  spec.weights = false;
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  const auto distinct = [&](int step, std::span<std::int64_t> load) {
    count_load(trace->read(step, 0, buffer), load);
  };
  EXPECT_LT(std::abs(drop_deviation(distinct, 1000)), 5);
}

TEST(SyntheticTraceTest, TheBinomialTestFailsASamplerThatDrawsWithReplacement) {
  const auto with_replacement = [&](int step, std::span<std::int64_t> load) {
    RandomStream stream({.seed = 4, .step = static_cast<std::uint32_t>(step)}, 0);
    for (int i = 0; i < kTokens * kTopK; ++i) ++load[stream.below(kExperts)];
  };
  EXPECT_GT(std::abs(drop_deviation(with_replacement, 1000)), 5);
}

class SkewModelContract : public testing::TestWithParam<SkewModelRow> {
 protected:
  static SyntheticSpec spec() {
    SyntheticSpec out;
    out.num_experts = 16;
    out.top_k = 3;
    out.layers = 2;
    out.steps = 3;
    out.tokens = 40000;  // large enough for read() to use several threads
    out.model = GetParam().name;
    out.seed = 12;
    return out;
  }
};

TEST_P(SkewModelContract, TokensNameDistinctExpertsAndWeightsFallAndSumToOne) {
  auto small = spec();
  small.tokens = 500;
  const auto trace = make_synthetic_trace(small);
  BatchBuffer buffer;
  const auto batch = trace->read(1, 1, buffer);
  const auto faults = check_batch(batch);
  EXPECT_EQ(faults.out_of_range + faults.duplicate_tokens, 0);
  EXPECT_EQ(std::count(batch.topk_ids.begin(), batch.topk_ids.end(), kAbsent), 0);
  for (std::size_t t = 0; t < 500; ++t) {
    const auto w = batch.topk_weights.subspan(t * 3, 3);
    EXPECT_NEAR(static_cast<double>(w[0] + w[1] + w[2]), 1.0, 1e-6);
    EXPECT_TRUE(w[0] >= w[1] && w[1] >= w[2] && w[2] > 0);
  }
}

TEST_P(SkewModelContract, BytesAreEqualForOneTwoAndThreeThreads) {
  auto other = spec();
  const auto one = digest(*make_synthetic_trace(other));
  for (const int threads : {2, 3}) {
    other.threads = threads;
    EXPECT_EQ(digest(*make_synthetic_trace(other)), one) << threads << " threads";
  }
  other.seed = 13;
  EXPECT_NE(digest(*make_synthetic_trace(other)), one);
}

TEST_P(SkewModelContract, TheNameMakesTheSameTraceAgain) {
  auto again = spec();
  again.tokens = 300;
  const auto trace = make_synthetic_trace(again);
  again.model = trace->info().name;
  EXPECT_EQ(digest(*make_synthetic_trace(again)), digest(*trace));
}

TEST_P(SkewModelContract, TheMainParameterReachesTargetsBetweenItsEnds) {
  if (GetParam().main_param.empty()) GTEST_SKIP() << "no parameter to move";
  auto to_target = spec();
  to_target.tokens = 4096;
  for (const char* target : {"max_over_mean=2", "max_vio=1", "cv=0.4", "effective_experts=14",
                             "gini=0.2", "drop@1.25=0.05"}) {
    to_target.target = target;
    const auto trace = make_synthetic_trace(to_target);
    ASSERT_TRUE(trace->info().target);
    const auto& reached = *trace->info().target;
    EXPECT_NEAR(reached.achieved, reached.wanted, 0.02 * reached.wanted) << target;
    EXPECT_TRUE(trace->info().warnings.empty()) << trace->info().warnings.front();
    auto again = to_target;
    again.target.clear();
    again.model = trace->info().name;
    EXPECT_EQ(digest(*make_synthetic_trace(again)), digest(*trace)) << trace->info().name;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, SkewModelContract, testing::ValuesIn(skew_models()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(SyntheticTraceTest, AnUnreachableTargetGivesTheNearestTraceAndAWarning) {
  SyntheticSpec spec;  // E=8, k=2: max/mean <= 4
  spec.model = "zipf";
  spec.target = "max_over_mean=6";
  const auto trace = make_synthetic_trace(spec);
  ASSERT_EQ(trace->info().warnings.size(), 1U);
  EXPECT_GT(trace->info().target->achieved, 3.9);
  EXPECT_LE(trace->info().target->achieved, 4.0);
}

TEST(SyntheticTraceTest, TheAchievedValueIsThatOfTheTrace) {
  SyntheticSpec spec;
  spec.num_experts = 64;
  spec.top_k = 4;
  spec.steps = 5;
  spec.layers = 2;
  spec.model = "gaussian";
  spec.target = "max_over_mean=4";
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  double sum = 0;
  for (std::int64_t step = 0; step < 5; ++step) {
    for (int layer = 0; layer < 2; ++layer) {
      std::vector<std::int64_t> load(64);
      count_load(trace->read(step, layer, buffer), load);
      sum += max_over_mean(load);
    }
  }
  EXPECT_DOUBLE_EQ(trace->info().target->achieved, sum / 10);
}

TEST(SyntheticTraceTest, HeatIsNotPosition) {
  SyntheticSpec spec;
  spec.num_experts = 64;
  spec.layers = 8;
  spec.model = "zipf:exponent=2";
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  std::set<std::ptrdiff_t> hottest;
  for (int layer = 0; layer < 8; ++layer) {
    std::vector<std::int64_t> load(64);
    count_load(trace->read(0, layer, buffer), load);
    hottest.insert(std::max_element(load.begin(), load.end()) - load.begin());
  }
  EXPECT_GT(hottest.size(), 5U);
}

TEST(SyntheticTraceTest, HotExpertsTakeTheirShare) {
  SyntheticSpec spec;
  spec.num_experts = 32;
  spec.top_k = 1;
  spec.tokens = 100000;
  spec.model = "hot:experts=2:share=0.7";
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  std::vector<std::int64_t> load(32);
  count_load(trace->read(0, 0, buffer), load);
  std::sort(load.rbegin(), load.rend());
  EXPECT_NEAR(static_cast<double>(load[0] + load[1]), 70000, 5 * std::sqrt(100000 * 0.21));
  EXPECT_NEAR(static_cast<double>(load[0]), 35000, 5 * std::sqrt(100000 * 0.35 * 0.65));
}

TEST(SyntheticTraceTest, ScoresRankTheChosenExpertsFirstInSlotOrder) {
  SyntheticSpec spec;
  spec.num_experts = 12;
  spec.top_k = 4;
  spec.tokens = 2000;
  spec.model = "zipf";
  spec.scores = true;
  const auto with = make_synthetic_trace(spec);
  BatchBuffer buffer;
  const auto batch = with->read(0, 0, buffer);
  for (std::size_t t = 0; t < 2000; ++t) {
    const auto scores = batch.scores.subspan(t * 12, 12);
    std::vector<StoredExpert> order(12);
    std::iota(order.begin(), order.end(), StoredExpert{0});
    std::stable_sort(order.begin(), order.end(), [&](StoredExpert a, StoredExpert b) {
      return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    for (std::size_t s = 0; s < 4; ++s) ASSERT_EQ(order[s], batch.topk_ids[t * 4 + s]);
    ASSERT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0F), 1.0F, 1e-5F);
  }
  const std::vector<StoredExpert> ids(batch.topk_ids.begin(), batch.topk_ids.end());
  spec.scores = false;
  const auto without = make_synthetic_trace(spec);
  const auto plain = without->read(0, 0, buffer);
  EXPECT_TRUE(std::equal(ids.begin(), ids.end(), plain.topk_ids.begin()));
}

TEST(SyntheticTraceTest, BadSpecificationsEndWithOneSentence) {
  const auto message = [](auto change) {
    SyntheticSpec spec;
    change(spec);
    try {
      make_synthetic_trace(spec);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message([](auto& s) { s.top_k = 9; }),
            "layer.top_k: 9 is not in 1 to the layer's 8 experts");
  EXPECT_EQ(message([](auto& s) { s.tokens = 0; }), "step.tokens: 0 is not in 1 to 2^31 - 1");
  EXPECT_EQ(message([](auto& s) { s.num_experts = 40000; }),
            "layer.experts: 40000 is not in 1 to 32767");
  EXPECT_THAT(message([](auto& s) { s.model = "zip"; }), testing::HasSubstr("did you mean 'zipf'"));
  EXPECT_THAT(message([](auto& s) { s.model = "hot:experts=8"; }),
              testing::HasSubstr("must be below"));
  EXPECT_THAT(message([](auto& s) { s.target = "max_over_mean=2"; }),
              testing::HasSubstr("'uniform' has no parameter to move"));
  for (const char* target : {"max_over_mean", "nonsense=2", "cv=-1", "cv=x", "cv@1=0.2", "drop=0.1",
                             "drop@0=0.1", "drop@=0.1"}) {
    EXPECT_NE(message([&](auto& s) {
                s.model = "zipf";
                s.target = target;
              }),
              "accepted")
        << target;
  }
}

}  // namespace
}  // namespace hotexpert
