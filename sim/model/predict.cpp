#include "sim/model/predict.hpp"

#include <algorithm>
#include <vector>

#include "sim/model/layer_law.hpp"

namespace hotexpert {
namespace {

/// Rows of the physical experts of each rank.
std::vector<std::vector<std::int64_t>> rows_by_rank(const DispatchPlan& plan) {
  std::vector<std::vector<std::int64_t>> out(static_cast<std::size_t>(plan.num_ranks));
  for (int p = 0; p < plan.num_physical; ++p) {
    const auto rank = plan.num_ranks == 1 ? 0 : plan.rank_of_expert[static_cast<std::size_t>(p)];
    out[static_cast<std::size_t>(rank)].push_back(plan.rows(p));
  }
  return out;
}

/// Distinct tokens with rows on each rank. Rows of an expert are sorted by token, experts of a rank
/// need not be neighbours, so tokens are marked by the last rank that saw them, rank by rank.
std::vector<std::int64_t> tokens_by_rank(const DispatchPlan& plan) {
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(plan.num_ranks));
  if (plan.num_ranks == 1) return {plan.tokens};
  std::vector<std::int32_t> seen_by(static_cast<std::size_t>(plan.tokens), -1);
  for (std::int32_t rank = 0; rank < plan.num_ranks; ++rank) {
    for (std::size_t p = 0; p < static_cast<std::size_t>(plan.num_physical); ++p) {
      if (plan.rank_of_expert[p] != rank) continue;
      for (auto row = plan.expert_offsets[p]; row < plan.expert_offsets[p + 1]; ++row) {
        auto& seen =
            seen_by[static_cast<std::size_t>(plan.source_token[static_cast<std::size_t>(row)])];
        if (seen != rank) ++tokens[static_cast<std::size_t>(rank)];
        seen = rank;
      }
    }
  }
  return tokens;
}

}  // namespace

PhaseTimes predict(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel,
                   const DeviceDescription& device) {
  const KernelFamily family = kernel_family(kernel);
  const auto rank_rows = rows_by_rank(plan);
  const auto rank_tokens = tokens_by_rank(plan);
  const std::int64_t capacity =
      plan.capacity.empty() ? 0 : *std::max_element(plan.capacity.begin(), plan.capacity.end());
  LayerCost slowest;
  PhaseTimes times;
  for (std::size_t rank = 0; rank < rank_rows.size(); ++rank) {
    const LayerLaw law(device, shape, family, static_cast<std::int64_t>(rank_rows[rank].size()));
    const LayerCost cost = law.price(rank_tokens[rank], rank_rows[rank], capacity);
    slowest.route_s = std::max(slowest.route_s, cost.route_s);
    slowest.permute_s = std::max(slowest.permute_s, cost.permute_s);
    slowest.expert_ffn_s = std::max(slowest.expert_ffn_s, cost.expert_ffn_s);
    slowest.combine_s = std::max(slowest.combine_s, cost.combine_s);
    slowest.total_s = std::max(slowest.total_s, cost.total_s);
    if (rank_rows.size() > 1) times.rank_ffn_s.push_back(cost.expert_ffn_s);
  }
  times.route_s = slowest.route_s;
  times.permute_s = slowest.permute_s;
  times.expert_ffn_s = slowest.expert_ffn_s;
  times.combine_s = slowest.combine_s;
  times.total_s = slowest.total_s;
  return times;
}

}  // namespace hotexpert
