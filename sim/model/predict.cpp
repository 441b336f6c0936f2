#include "sim/model/predict.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

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

std::int64_t capacity_of(const DispatchPlan& plan) {
  return plan.capacity.empty() ? 0 : *std::max_element(plan.capacity.begin(), plan.capacity.end());
}

/// Rows of each shared expert on a rank: its own tokens.
std::int64_t shared_rows(const DispatchPlan& plan) {
  return (plan.tokens + plan.num_ranks - 1) / plan.num_ranks;
}

/// Cost of each rank whose experts have these rows.
std::vector<LayerCost> rank_costs(const DispatchPlan& plan, const LayerShape& shape,
                                  std::string_view kernel, const DeviceDescription& device,
                                  const std::vector<std::vector<std::int64_t>>& rank_rows) {
  const KernelFamily family = kernel_family(kernel);
  const auto rank_tokens = tokens_by_rank(plan);
  std::vector<LayerCost> costs;
  for (std::size_t rank = 0; rank < rank_rows.size(); ++rank) {
    const LayerLaw law(device, shape, family, static_cast<std::int64_t>(rank_rows[rank].size()));
    costs.push_back(
        law.price({rank_tokens[rank], rank_rows[rank], capacity_of(plan), shared_rows(plan)}));
  }
  return costs;
}

LayerCost slowest_of(const std::vector<LayerCost>& costs) {
  return *std::ranges::max_element(costs, {}, &LayerCost::total_s);
}

}  // namespace

PhaseTimes predict(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel,
                   const DeviceDescription& device) {
  const auto costs = rank_costs(plan, shape, kernel, device, rows_by_rank(plan));
  const auto slowest = [&](double LayerCost::*phase) {
    return (*std::ranges::max_element(costs, {}, phase)).*phase;
  };
  PhaseTimes times;
  times.route_s = slowest(&LayerCost::route_s);
  times.permute_s = slowest(&LayerCost::permute_s);
  times.expert_ffn_s = slowest(&LayerCost::expert_ffn_s);
  times.combine_s = slowest(&LayerCost::combine_s);
  times.total_s = slowest(&LayerCost::total_s);
  if (costs.size() > 1) {
    for (const auto& cost : costs) times.rank_ffn_s.push_back(cost.expert_ffn_s);
  }
  return times;
}

LayerCost slowest_rank_cost(const DispatchPlan& plan, const LayerShape& shape,
                            std::string_view kernel, const DeviceDescription& device) {
  return slowest_of(rank_costs(plan, shape, kernel, device, rows_by_rank(plan)));
}

std::optional<double> skew_price_s(const DispatchPlan& plan, const LayerShape& shape,
                                   std::string_view kernel, const DeviceDescription& device) {
  constexpr double kStretch = 0.05;
  constexpr double kLeastSkew = 1.02;
  const auto rows = rows_by_rank(plan);
  const double mean = static_cast<double>(plan.rows()) / plan.num_physical;
  std::int64_t most = 0;
  for (const auto& rank : rows) {
    for (const std::int64_t m : rank) most = std::max(most, m);
  }
  if (!(static_cast<double>(most) >= kLeastSkew * mean) || mean <= 0) return std::nullopt;
  const auto seconds = [&](double stretch) {
    auto moved = rows;
    for (auto& rank : moved) {
      for (std::int64_t& m : rank) {
        const double at = mean + stretch * (static_cast<double>(m) - mean);
        m = m > 0 ? std::max<std::int64_t>(1, std::llround(at)) : 0;  // who is idle stays idle
      }
    }
    return slowest_of(rank_costs(plan, shape, kernel, device, moved)).total_s;
  };
  const double skew = static_cast<double>(most) / mean;
  const double percent = 2 * kStretch * (skew - 1) / skew * 100;
  return (seconds(1 + kStretch) - seconds(1 - kStretch)) / percent;
}

std::int64_t computed_rows_of(const DispatchPlan& plan, const LayerShape& shape,
                              KernelFamily family) {
  const std::int64_t shared = shape.num_shared_experts * plan.tokens;
  if (family != KernelFamily::kPadded) return plan.rows() + shared;
  // Every rank pads to its own hottest expert.
  std::int64_t computed = shared;
  for (const auto& rows : rows_by_rank(plan)) {
    std::int64_t each = capacity_of(plan);
    for (const std::int64_t m : rows) each = std::max(each, m);
    computed += each * static_cast<std::int64_t>(rows.size());
  }
  return computed;
}

}  // namespace hotexpert
