#include "sim/model/predict.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "sim/model/price_error.hpp"

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

/// Prices ranks of one layer. Ranks with as many experts share a law, and devices the uniform loads
/// that it is tuned on.
class RankPricer {
 public:
  RankPricer(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel)
      : plan_(plan),
        shape_(shape),
        family_(kernel_family(kernel)),
        rank_tokens_(tokens_by_rank(plan)) {}

  /// Cost of each rank whose experts have these rows.
  [[nodiscard]] std::vector<LayerCost> costs(
      const DeviceDescription& device, const std::vector<std::vector<std::int64_t>>& rank_rows) {
    std::map<std::int64_t, LayerLaw> laws;
    std::vector<LayerCost> costs;
    for (std::size_t rank = 0; rank < rank_rows.size(); ++rank) {
      const auto experts = static_cast<std::int64_t>(rank_rows[rank].size());
      auto law = laws.find(experts);
      if (law == laws.end()) law = laws.emplace(experts, law_of(device, experts)).first;
      costs.push_back(law->second.price(
          {rank_tokens_[rank], rank_rows[rank], capacity_of(plan_), shared_rows(plan_)}));
    }
    return costs;
  }

 private:
  [[nodiscard]] LayerLaw law_of(const DeviceDescription& device, std::int64_t experts) {
    auto& uniform = uniform_[experts];
    if (!uniform) {
      uniform =
          std::make_shared<const UniformLoads>(shape_, family_ == KernelFamily::kLoop ? 1 : experts,
                                               device.program.largest_tuned_tokens);
    }
    return {device, shape_, family_, experts, true, uniform};
  }

  const DispatchPlan& plan_;
  const LayerShape& shape_;
  KernelFamily family_;
  std::vector<std::int64_t> rank_tokens_;
  std::map<std::int64_t, std::shared_ptr<const UniformLoads>> uniform_;
};

LayerCost slowest_of(const std::vector<LayerCost>& costs) {
  return *std::ranges::max_element(costs, {}, &LayerCost::total_s);
}

}  // namespace

PhaseTimes predict(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel,
                   const DeviceDescription& device) {
  const auto costs = RankPricer(plan, shape, kernel).costs(device, rows_by_rank(plan));
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
  return slowest_of(RankPricer(plan, shape, kernel).costs(device, rows_by_rank(plan)));
}

std::optional<SkewPrice> skew_price(const DispatchPlan& plan, const LayerShape& shape,
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
  RankPricer pricer(plan, shape, kernel);
  const auto seconds = [&](const DeviceDescription& on, double stretch) {
    auto moved = rows;
    for (auto& rank : moved) {
      for (std::int64_t& m : rank) {
        const double at = mean + stretch * (static_cast<double>(m) - mean);
        m = m > 0 ? std::max<std::int64_t>(1, std::llround(at)) : 0;  // who is idle stays idle
      }
    }
    return slowest_of(pricer.costs(on, moved)).total_s;
  };
  const double skew = static_cast<double>(most) / mean;
  const double percent = 2 * kStretch * (skew - 1) / skew * 100;
  const auto slope = [&](const DeviceDescription& on) {
    return (seconds(on, 1 + kStretch) - seconds(on, 1 - kStretch)) / percent;
  };
  return SkewPrice{slope(device), slope_error95(device, seconds(device, 1), 0, slope)};
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
