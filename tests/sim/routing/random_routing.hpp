#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert::testing {

/// Owned routing for tests: skewed, distinct experts a token, some slots absent, some ids out of
/// range.
struct RandomRouting {
  int num_experts = 1;
  int slots = 1;
  std::int64_t tokens = 0;
  std::vector<StoredExpert> ids = {};
  std::vector<float> weights = {};
  std::vector<float> scores = {};
  std::vector<std::int32_t> source_rank = {};
  std::vector<std::int32_t> request_id = {};

  [[nodiscard]] RoutingBatch batch() const {
    return {.step = 3,
            .layer = 1,
            .tokens = tokens,
            .slots = slots,
            .num_experts = num_experts,
            .topk_ids = ids,
            .topk_weights = weights,
            .scores = scores,
            .source_rank = source_rank,
            .request_id = request_id};
  }
};

struct RoutingKind {
  int max_tokens = 40;
  int max_experts = 12;
  int num_ranks = 1;
  bool faults = true;  ///< absent slots and ids out of range
};

/// Routing number `seed`. Weights repeat often, so that ties are met.
RandomRouting random_routing(std::uint32_t seed, const RoutingKind& kind = {});

}  // namespace hotexpert::testing
