// The trends the router lab is built to show, on a lab small enough for a test (E = 8, k = 2, 400
// steps). Larger runs with intervals over seeds are in sim/training/README.md.
#include <gtest/gtest.h>

#include <string>

#include "sim/training/trainer.hpp"
#include "tests/sim/training/small_lab.hpp"

namespace hotexpert::training {
namespace {

TrainingRun run_of(const std::string& method, std::uint64_t seed = 1) {
  auto config = small_config();
  config.method = method;
  config.seed = seed;
  auto run = train(config);
  EXPECT_FALSE(run.failure) << method;
  return run;
}

TEST(TrendsTest, Print) {
  for (const char* method :
       {"none", "importance+load", "megatron:weight=0.0001", "megatron:weight=0.001",
        "megatron:weight=0.01", "megatron:weight=0.1", "megatron:weight=1", "megatron:weight=10",
        "bias:u=0.0001", "bias", "bias:u=0.01", "bias:u=0.1", "sinkhorn", "expert-choice",
        "quantile", "sequence:weight=0.1", "global-batch:weight=0.1"}) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const auto run = run_of(method, seed);
      printf(
          "%-24s %lu max/mean %.2f eval %.2f loss %.4f dead %ld settle %ld bias_cycle %.5f "
          "load_cycle "
          "%.3f mi %.2f/%.2f sim %.2f gr %.1f starved %.2f\n",
          method, seed, run.summary->max_over_mean, run.evaluation->max_over_mean,
          run.evaluation->task_loss, run.summary->dead_experts, run.summary->settle_step,
          run.summary->bias_cycle.value_or(0), run.summary->load_cycle,
          run.evaluation->specialization_mi, run.evaluation->class_entropy,
          run.evaluation->output_similarity, run.summary->gradient_norm_ratio,
          run.summary->starved_share);
    }
  }
}

}  // namespace
}  // namespace hotexpert::training
