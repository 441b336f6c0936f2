#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "sim/base/random.hpp"
#include "sim/training/lab_model.hpp"
#include "sim/training/method_set.hpp"
#include "sim/training/top_k.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

std::unique_ptr<SelectionRule<double>> make_rule(const std::string& method, int experts, int k) {
  return make_methods<double>(method, {experts, k, ScoreFunction::kSoftmax}).rule;
}

/// Scores of a skewed router: expert i has mean -i / 4, tokens differ.
RouterState<double> skewed_state(std::int64_t tokens, int experts, int top_k) {
  Matrix<double> scores(tokens, experts);
  for (std::int64_t t = 0; t < tokens; ++t) {
    RandomStream random({3, RandomPurpose::kTest, 0, 0}, static_cast<std::uint32_t>(t));
    for (int i = 0; i < experts; ++i) scores.at(t, i) = random.normal() - 0.25 * i;
  }
  auto state = state_of_scores(scores, top_k);
  state.plain_topk.resize(static_cast<std::size_t>(tokens * top_k));
  for (std::int64_t t = 0; t < tokens; ++t) {
    top_k_indices(scores.row(t), experts, top_k, state.plain_topk.data() + t * top_k);
  }
  return state;
}

std::vector<std::int64_t> loads(const Selection& selection, int experts) {
  std::vector<std::int64_t> load(static_cast<std::size_t>(experts));
  for (const auto id : selection.ids) {
    if (id >= 0) ++load[static_cast<std::size_t>(id)];
  }
  return load;
}

double max_over_mean_of(const std::vector<std::int64_t>& load) {
  const double total = static_cast<double>(std::accumulate(load.begin(), load.end(), 0LL));
  return static_cast<double>(*std::max_element(load.begin(), load.end())) *
         static_cast<double>(load.size()) / total;
}

Selection select(const SelectionRule<double>& rule, const RouterState<double>& state,
                 bool training = true) {
  Selection selection{state.top_k, state.plain_topk};
  rule.select(state, training, selection);
  return selection;
}

TEST(TopKTest, MatchesAFullSortWithTiesByLowerIndex) {
  for (std::uint32_t item = 0; item < 200; ++item) {
    RandomStream random({5, RandomPurpose::kTest, 0, 0}, item);
    const int count = 1 + static_cast<int>(random.below(12));
    const int k = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(count)));
    std::vector<float> values;
    for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(random.below(4)));
    std::vector<std::int32_t> expected(values.size());
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(), [&](std::int32_t a, std::int32_t b) {
      return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
    });
    expected.resize(static_cast<std::size_t>(k));
    std::vector<std::int32_t> found(static_cast<std::size_t>(k));
    top_k_indices(values.data(), count, k, found.data());
    EXPECT_EQ(found, expected) << "case " << item;
  }
}

TEST(BiasRuleTest, StepsByUTowardsTheMeanWithEachUpdate) {
  const std::vector<std::int64_t> load = {6, 2, 4, 4};
  const auto after = [&](const std::string& method) {
    const auto rule = make_rule(method, 4, 2);
    rule->update({}, load);
    const auto memory = rule->memory();
    return std::vector<double>(memory.begin(), memory.end());
  };
  EXPECT_EQ(after("bias:u=0.5"), (std::vector<double>{-0.5, 0.5, 0, 0}));
  EXPECT_EQ(after("bias:u=0.5:update=proportional"), (std::vector<double>{-0.25, 0.25, 0, 0}));
  EXPECT_EQ(after("bias:u=0.5:update=multiplicative"), (std::vector<double>{0.5, 1.5, 1, 1}));
}

TEST(BiasRuleTest, AMultiplicativeBiasNeverTurnsNegative) {
  const auto rule = make_rule("bias:u=0.75:update=multiplicative", 2, 1);
  const std::vector<std::int64_t> load = {9, 1};
  for (int i = 0; i < 3; ++i) rule->update({}, load);
  EXPECT_EQ(rule->memory()[0], 0);
}

TEST(BiasRuleTest, BalancesAFrozenSkewedRouter) {
  const auto state = skewed_state(1000, 8, 2);
  for (const char* method : {"bias:u=0.01", "bias:u=0.01:update=proportional"}) {
    const auto rule = make_rule(method, 8, 2);
    const double before = max_over_mean_of(loads(select(*rule, state), 8));
    for (int step = 0; step < 500; ++step) {
      rule->update(state, loads(select(*rule, state), 8));
    }
    EXPECT_GT(before, 1.8);
    EXPECT_LT(max_over_mean_of(loads(select(*rule, state), 8)), 1.05) << method;
  }
}

TEST(QuantileRuleTest, BalancesAFrozenSkewedRouter) {
  const auto state = skewed_state(1000, 8, 2);
  const auto rule = make_rule("quantile:ema=0.5", 8, 2);
  for (int step = 0; step < 60; ++step) rule->update(state, {});
  EXPECT_LT(max_over_mean_of(loads(select(*rule, state), 8)), 1.02);
  const auto beta = rule->memory();
  EXPECT_NEAR(std::accumulate(beta.begin(), beta.end(), 0.0), 0, 1e-9);
}

TEST(SinkhornRuleTest, BalancesInTrainingAndLeavesHeldOutBatchesAlone) {
  const auto state = skewed_state(1000, 8, 2);
  const auto rule = make_rule("sinkhorn", 8, 2);
  EXPECT_LT(max_over_mean_of(loads(select(*rule, state), 8)), 1.25);
  EXPECT_EQ(select(*rule, state, false).ids, state.plain_topk);
}

TEST(SinkhornRuleTest, SurvivesLogitsThatUnderflow) {
  auto state = skewed_state(16, 4, 1);
  for (std::int64_t t = 0; t < 16; ++t) state.gate_logits.at(t, 3) = -5000;
  const auto ids = select(*make_rule("sinkhorn", 4, 1), state).ids;
  EXPECT_TRUE(std::all_of(ids.begin(), ids.end(), [](auto id) { return id >= 0 && id < 4; }));
}

TEST(ExpertChoiceRuleTest, GivesEachExpertItsBestTokensOfEachMicroBatch) {
  auto state = skewed_state(64, 8, 2);
  state.micro_batch_tokens = 32;
  const auto selection = select(*make_rule("expert-choice", 8, 2), state);
  for (std::int64_t begin = 0; begin < 64; begin += 32) {
    for (int expert = 0; expert < 8; ++expert) {
      std::vector<std::pair<double, std::int64_t>> ranked;
      for (std::int64_t t = begin; t < begin + 32; ++t) {
        ranked.emplace_back(-state.scores.at(t, expert), t);
      }
      std::sort(ranked.begin(), ranked.end());
      for (std::size_t r = 0; r < ranked.size(); ++r) {
        const auto* ids = selection.ids.data() + ranked[r].second * selection.slots;
        const bool taken = std::find(ids, ids + selection.slots, expert) != ids + selection.slots;
        EXPECT_EQ(taken, r < 8) << "expert " << expert << " rank " << r;  // k T / E = 2 * 32 / 8
      }
    }
  }
}

TEST(ExpertChoiceRuleTest, TakesAtLeastOneTokenAndAtMostAll) {
  const auto state = skewed_state(4, 8, 1);
  EXPECT_EQ(loads(select(*make_rule("expert-choice:factor=0.001", 8, 1), state), 8),
            std::vector<std::int64_t>(8, 1));
  EXPECT_EQ(loads(select(*make_rule("expert-choice:factor=1000", 8, 1), state), 8),
            std::vector<std::int64_t>(8, 4));
}

TEST(SelectionTest, EveryRuleChoosesDistinctExperts) {
  for (const auto& row : balancing_methods()) {
    auto config = tiny_config();
    config.method = row.name;
    LabModel<float> model(config);
    for (std::uint32_t step = 0; step < 3; ++step) {
      model.train_pass(step);
      model.update_rule();
      const auto& selection = model.router_state().selection;
      for (std::int64_t t = 0; t < config.tokens; ++t) {
        std::set<std::int32_t> seen;
        for (int slot = 0; slot < selection.slots; ++slot) {
          const auto id = selection.ids[static_cast<std::size_t>(t * selection.slots + slot)];
          EXPECT_LT(id, config.num_experts) << row.name;
          EXPECT_TRUE(id < 0 || seen.insert(id).second) << row.name;
        }
      }
    }
  }
}

}  // namespace
}  // namespace hotexpert::training
