#include "scenarios/ep/speed_timing.hpp"

#include <array>

#include "profiler/clock.hpp"
#include "profiler/cpu_backend.hpp"

namespace hotexpert {
namespace {

constexpr int kExperts = 8;
constexpr std::int64_t kRowsEach = 64;
constexpr int kWorkRepetitions = 25;
constexpr int kWorkWarmUp = 3;
constexpr std::uint64_t kSeed = 1;  // equal weights and tokens on every rank

LayerShape probe_shape() {
  LayerShape shape;
  shape.num_experts = kExperts;
  shape.top_k = 1;
  shape.d_model = 512;
  shape.d_ff = 1024;
  return shape;
}

/// Token t goes to expert t / kRowsEach.
DispatchPlan probe_plan() {
  DispatchPlan plan;
  plan.tokens = kExperts * kRowsEach;
  plan.slots = 1;
  plan.num_physical = kExperts;
  plan.rank_of_expert.assign(kExperts, 0);
  for (int e = 0; e <= kExperts; ++e) plan.expert_offsets.push_back(e * kRowsEach);
  for (std::int32_t t = 0; t < plan.tokens; ++t) {
    plan.source_token.push_back(t);
    plan.source_slot.push_back(t);
  }
  return plan;
}

}  // namespace

std::vector<std::vector<double>> time_same_work(Communicator& ranks) {
  const auto backend = make_cpu_backend(1);
  const auto layer = backend->prepare(probe_shape(), "grouped", kExperts, kSeed);
  const int handle = layer->load(probe_plan());
  std::vector<std::vector<double>> seconds(static_cast<std::size_t>(ranks.size()));
  SteadyClock clock;
  for (int i = 0; i < kWorkWarmUp + kWorkRepetitions; ++i) {
    ranks.barrier();
    const double start = clock.now_s();
    layer->run(handle);
    const auto all = ranks.gather(std::array{clock.now_s() - start});
    for (std::size_t rank = 0; i >= kWorkWarmUp && rank < all.size(); ++rank)
      seconds[rank].push_back(all[rank]);
  }
  return seconds;
}

}  // namespace hotexpert
