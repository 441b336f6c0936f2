#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <numeric>

#include "profiler/cpu_backend.hpp"
#include "profiler/virtual_ranks.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A plan with so many rows for each expert, placed on the given ranks; a token a row.
DispatchPlan placed_plan(const std::vector<std::int64_t>& rows, std::vector<std::int32_t> ranks) {
  DispatchPlan plan;
  plan.slots = 1;
  plan.num_physical = static_cast<int>(rows.size());
  plan.num_ranks = 1 + *std::ranges::max_element(ranks);
  plan.rank_of_expert = std::move(ranks);
  plan.expert_offsets = {0};
  for (const auto count : rows) {
    for (std::int64_t i = 0; i < count; ++i) {
      plan.source_token.push_back(static_cast<std::int32_t>(plan.tokens));
      plan.source_slot.push_back(static_cast<std::int32_t>(plan.tokens++));
    }
    plan.expert_offsets.push_back(plan.tokens);
  }
  return plan;
}

/// Layers on the CPU, one for each number of experts.
class Layers {
 public:
  explicit Layers(LayerPass pass) : backend_(make_cpu_backend(2, pass)) {}
  PreparedLayer& of(int num_physical) {
    auto& layer = layers_[num_physical];
    LayerShape shape;
    shape.num_experts = num_physical;
    shape.top_k = 1;
    shape.d_model = 64;
    shape.d_ff = 64;
    if (!layer) layer = backend_->prepare(shape, "grouped", num_physical, 7);
    return *layer;
  }

 private:
  std::unique_ptr<LayerBackend> backend_;
  std::map<int, std::unique_ptr<PreparedLayer>> layers_;
};

TEST(TracedRanksTest, EveryRankHasItsOwnTilesUnderThePlansNumbers) {
  for (const auto pass : {LayerPass::kForward, LayerPass::kBackward}) {
    Layers layers(pass);
    VirtualRanks ranks([&](int n) -> PreparedLayer& { return layers.of(n); }, 0, {},
                       EqualLoads::kRunApart);
    // Equal loads on both ranks, in another order: run once they would carry wrong numbers.
    const auto plan = placed_plan({40, 300, 300, 40}, {0, 1, 0, 1});
    const std::vector<std::int64_t> owned = {340, 340};
    const int handle = ranks.load(plan, owned);
    EXPECT_EQ(ranks.distinct_loads(handle), 2U);
    const auto passes = ranks.run_traced(handle);
    ASSERT_EQ(passes.size(), 2U);
    EXPECT_THAT(passes[0].timeline.grid.token_rows, ElementsAre(40, 0, 300, 0));
    EXPECT_THAT(passes[1].timeline.grid.token_rows, ElementsAre(0, 300, 0, 40));
    for (const auto& one : passes) EXPECT_THAT(timeline_faults(one.timeline), IsEmpty());
  }
}

TEST(TracedRanksTest, SharedExpertsFollowTheRoutedOnes) {
  Layers layers(LayerPass::kForward);
  VirtualRanks ranks([&](int n) -> PreparedLayer& { return layers.of(n); }, 1, {},
                     EqualLoads::kRunApart);
  const auto plan = placed_plan({100, 20, 0, 0}, {0, 0, 1, 1});
  const std::vector<std::int64_t> owned = {50, 70};
  const auto passes = ranks.run_traced(ranks.load(plan, owned));
  EXPECT_THAT(passes[0].timeline.grid.token_rows, ElementsAre(100, 20, 0, 0, 50));
  EXPECT_THAT(passes[1].timeline.grid.token_rows, ElementsAre(0, 0, 0, 0, 70));
  for (const auto& one : passes) {
    EXPECT_THAT(timeline_faults(one.timeline), IsEmpty());
    EXPECT_LE(summarise(one.timeline).span_s, one.times.total_s);
  }
}

}  // namespace
}  // namespace hotexpert
