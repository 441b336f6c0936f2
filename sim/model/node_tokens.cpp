#include "sim/model/node_tokens.hpp"

namespace hotexpert {

std::vector<std::int64_t> count_node_tokens(const DispatchPlan& plan, int ranks_per_node,
                                            std::span<const std::int32_t> source_rank) {
  const int nodes = (plan.num_ranks + ranks_per_node - 1) / ranks_per_node;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(plan.num_ranks) *
                                   static_cast<std::size_t>(nodes));
  std::vector<std::int32_t> seen_by(static_cast<std::size_t>(plan.tokens), -1);
  for (std::int32_t node = 0; node < nodes; ++node) {
    for (std::size_t p = 0; p < static_cast<std::size_t>(plan.num_physical); ++p) {
      const std::int32_t rank = plan.num_ranks == 1 ? 0 : plan.rank_of_expert[p];
      if (rank / ranks_per_node != node) continue;
      for (auto row = plan.expert_offsets[p]; row < plan.expert_offsets[p + 1]; ++row) {
        const auto token =
            static_cast<std::size_t>(plan.source_token[static_cast<std::size_t>(row)]);
        if (seen_by[token] == node) continue;
        seen_by[token] = node;
        const auto source = static_cast<std::size_t>(source_rank[token]);
        ++counts[source * static_cast<std::size_t>(nodes) + static_cast<std::size_t>(node)];
      }
    }
  }
  return counts;
}

}  // namespace hotexpert
