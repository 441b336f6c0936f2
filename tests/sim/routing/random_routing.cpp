#include "tests/sim/routing/random_routing.hpp"

#include <algorithm>

namespace hotexpert::testing {

RandomRouting random_routing(std::uint32_t seed, const RoutingKind& kind) {
  RandomStream random({.seed = seed}, 0);
  RandomRouting routing;
  routing.num_experts =
      1 + static_cast<int>(random.below(static_cast<std::uint32_t>(kind.max_experts)));
  routing.slots =
      1 + static_cast<int>(random.below(static_cast<std::uint32_t>(routing.num_experts)));
  routing.tokens = random.below(static_cast<std::uint32_t>(kind.max_tokens) + 1);
  const bool skewed = random.below(2) == 0;
  std::int32_t request = 0;
  for (std::int64_t token = 0; token < routing.tokens; ++token) {
    std::vector<float> score;
    for (int e = 0; e < routing.num_experts; ++e) {
      const auto level = 1 + random.below(8);
      score.push_back(static_cast<float>(level) * (skewed && e < 2 ? 3.0F : 1.0F) / 64.0F);
    }
    std::vector<StoredExpert> order;
    for (int e = 0; e < routing.num_experts; ++e) order.push_back(static_cast<StoredExpert>(e));
    std::stable_sort(order.begin(), order.end(), [&](StoredExpert a, StoredExpert b) {
      return score[static_cast<std::size_t>(a)] > score[static_cast<std::size_t>(b)];
    });
    for (int slot = 0; slot < routing.slots; ++slot) {
      const auto expert = order[static_cast<std::size_t>(slot)];
      routing.ids.push_back(expert);
      routing.weights.push_back(score[static_cast<std::size_t>(expert)]);
      if (!kind.faults || random.below(10) != 0) continue;
      constexpr StoredExpert kFaults[] = {kAbsent, kAbsent, -7, 32767};
      routing.ids.back() = kFaults[random.below(4)];
    }
    routing.scores.insert(routing.scores.end(), score.begin(), score.end());
    routing.source_rank.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(kind.num_ranks))));
    if (random.below(5) == 0) ++request;
    routing.request_id.push_back(request);
  }
  return routing;
}

}  // namespace hotexpert::testing
