#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// A synthetic trace, fully described: equal specs give equal bytes, whatever the thread count.
struct SyntheticSpec {
  int num_experts = 8;            ///< E in [1, 32767]
  int top_k = 2;                  ///< k in [1, E]
  int layers = 1;                 ///< >= 1
  std::int64_t tokens = 1024;     ///< a step, in [1, 2^31)
  std::int64_t steps = 1;         ///< in [1, 2^31)
  std::string model = "uniform";  ///< skew model with parameters inline: "zipf:exponent=1.2"
  std::string target = {};        ///< "max_over_mean=4": moves the model's main parameter; or ""
  bool weights = true;            ///< draw topk_weights
  bool scores = false;            ///< draw scores [tokens, E]
  std::uint64_t seed = 0;
  /// Group-limited routing (DeepSeek): experts in `groups` equal groups, of which a token may use
  /// the topk_groups with the largest sum of their two highest scores. 0 = no groups.
  int groups = 0;
  int topk_groups = 0;
  int threads = 1;  ///< threads one read() may use for its tokens, >= 1
};

/// Routing drawn on demand: read() computes the batch it is asked for.
/// info().name is the model with every parameter that differs from its default, so that pasting it
/// into skew.model gives the same trace; info().target tells what skew.target reached.
/// @throws UsageError for an unknown model, parameter or target metric, a value out of range, or a
/// target for a model without a parameter to move.
std::unique_ptr<RoutingTrace> make_synthetic_trace(const SyntheticSpec& spec);

}  // namespace hotexpert
