#include "sim/model/published_cost.hpp"

#include <algorithm>
#include <cmath>

#include "sim/metrics/load_metrics.hpp"
#include "sim/model/published_loads.hpp"

namespace hotexpert {

PublishedCost::PublishedCost(const std::vector<PublishedRow>& rows, int draws) {
  const std::int64_t largest_bucket = LayerProgram{}.largest_tuned_tokens;
  for (const PublishedRow& row : rows) {
    const bool tuned = !tuner_cache_is_shadowed(row.shape.num_experts, row.expert_parallel);
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) {
      return g.shape == row.shape && g.local_experts == row.local_experts();
    });
    if (group == groups_.end()) {
      groups_.push_back(
          {row.shape, row.local_experts(), tuned,
           std::make_shared<const UniformLoads>(row.shape, row.local_experts(), largest_bucket)});
      group = groups_.end() - 1;
    }
    const auto first = draws_.size();
    const PublishedRouting routing{row.num_tokens, row.shape.num_experts, row.shape.top_k,
                                   row.expert_parallel};
    const auto local = static_cast<std::size_t>(row.local_experts());
    const int row_draws = row.alpha == 0 ? 1 : draws;
    double skew = 0;
    for (int draw = 0; draw < row_draws; ++draw) {
      const auto loads =
          row.alpha == 0 ? balanced_loads(routing)
                         : power_law_loads(routing, row.alpha, static_cast<std::uint32_t>(draw));
      draws_.push_back(summarize(row.num_tokens, std::span(loads).first(local)));
      skew += max_over_mean(loads) / row_draws;
    }
    rows_.push_back(
        {static_cast<std::size_t>(group - groups_.begin()), first, draws_.size() - first, skew});
    log_latency_.push_back(std::log(row.latency_s));
  }
}

void PublishedCost::log_predict(const DeviceDescription& device, std::span<double> out) const {
  std::vector<LayerLaw> laws;
  laws.reserve(groups_.size());
  for (const Group& group : groups_) {
    laws.emplace_back(device, group.shape, KernelFamily::kGrouped, group.local_experts, group.tuned,
                      group.uniform);
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    double sum = 0;
    for (const LoadSummary& load : draws(i)) sum += laws[rows_[i].group].price(load).total_s;
    out[i] = std::log(sum / static_cast<double>(rows_[i].count));
  }
}

PositiveFit PublishedCost::fit_problem(const DeviceDescription& device) const {
  PositiveFit fit;
  fit.start = constant_values(nominal_constants(device));
  for (const auto& constant : cost_constants()) fit.prior_sigma.push_back(constant.prior_sigma);
  fit.log_observed = log_latency_;
  fit.log_predict = [this, device](std::span<const double> constants, std::span<double> out) {
    log_predict(with_constants(device, constants), out);
  };
  return fit;
}

std::span<const LoadSummary> PublishedCost::draws(std::size_t row) const {
  return std::span(draws_).subspan(rows_[row].first, rows_[row].count);
}

DeviceDescription with_constants(DeviceDescription device, std::span<const double> values) {
  const auto constants = cost_constants();
  for (std::size_t i = 0; i < constants.size(); ++i) {
    device.constants.*constants[i].member = values[i];
  }
  return device;
}

std::vector<double> constant_values(const CostConstants& constants) {
  std::vector<double> values;
  for (const auto& row : cost_constants()) values.push_back(constants.*row.member);
  return values;
}

}  // namespace hotexpert
