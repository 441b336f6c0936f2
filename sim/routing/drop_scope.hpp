#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// What routing holds beside the expert ids.
struct RoutingFields {
  bool weights = false;  ///< topk_weights
  bool scores = false;
  bool request_ids = false;  ///< the sequence of each token
};

/// What the batch holds; of no tokens it lacks nothing.
inline RoutingFields fields_of(const RoutingBatch& batch) {
  const bool none = batch.tokens == 0;
  return {.weights = none || !batch.topk_weights.empty(),
          .scores = none || !batch.scores.empty(),
          .request_ids = none || !batch.request_id.empty()};
}

/// The tokens that compete for one capacity, and what they compete for.
struct DropScope {
  const RoutingBatch& batch;
  std::int64_t first_token = 0;
  std::int64_t end_token = 0;                   ///< one past the last
  std::span<const std::int32_t> bin_of_expert;  ///< [E] the expert itself, or its rank
  int num_bins = 0;
  std::int64_t capacity = 0;  ///< assignments each bin may keep in this scope
  std::uint64_t seed = 0;     ///< for policies that draw
};

/// A drop policy's decision on a whole batch; each scope fills in its own tokens.
struct KeptAssignments {
  std::vector<StoredExpert>
      expert;  ///< [tokens, slots] expert that computes the assignment; kAbsent = none or dropped
  std::vector<float>
      weight;  ///< [tokens, slots] gate weights where a policy changes them, or empty
};

/// True when `id` names an expert of the batch.
inline bool is_expert(const RoutingBatch& batch, StoredExpert id) {
  return id >= 0 && id < batch.num_experts;
}

}  // namespace hotexpert
