#include "sim/metrics/load_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/math.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

std::int64_t total(std::span<const std::int64_t> load) {
  return std::accumulate(load.begin(), load.end(), std::int64_t{0});
}

double mean_load(std::span<const std::int64_t> load) {
  return static_cast<double>(total(load)) / static_cast<double>(load.size());
}

/// A metric's values over (step, layer), in that order.
struct Samples {
  std::string metric;
  double when_empty = 0;  ///< value when no (step, layer) has counts
  std::vector<double> values;
};

Measurement aggregate(Samples samples, Provenance provenance) {
  Measurement out;
  out.metric = std::move(samples.metric);
  out.provenance = provenance;
  out.value = samples.values.empty() ? samples.when_empty : mean(samples.values);
  if (samples.values.size() > 1) out.percentiles = percentiles(samples.values);
  return out;
}

/// Loads of each layer summed over the steps: [layers][experts].
std::vector<std::vector<std::int64_t>> summed_over_steps(const LoadMatrix& loads) {
  std::vector<std::vector<std::int64_t>> sums(
      static_cast<std::size_t>(loads.layers),
      std::vector<std::int64_t>(static_cast<std::size_t>(loads.experts)));
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      auto& sum = sums[static_cast<std::size_t>(layer)];
      const auto load = loads.at(step, layer);
      std::transform(sum.begin(), sum.end(), load.begin(), sum.begin(), std::plus<>());
    }
  }
  return sums;
}

std::size_t index_of(int layer) { return static_cast<std::size_t>(layer); }

void check_placements(const LoadMatrix& loads, std::span<const ExpertPlacement> by_layer) {
  if (by_layer.size() != 1 && by_layer.size() != index_of(loads.layers)) {
    throw UsageError(
        fmt::format("{} placements for {} layers of loads", by_layer.size(), loads.layers));
  }
  for (const auto& placement : by_layer) {
    if (placement.num_experts() == loads.experts) continue;
    throw UsageError(fmt::format("the placement is of {} experts, the loads are of {}",
                                 placement.num_experts(), loads.experts));
  }
}

}  // namespace

double max_over_mean(std::span<const std::int64_t> load) {
  if (load.empty() || total(load) == 0) return 1.0;
  return static_cast<double>(*std::max_element(load.begin(), load.end())) / mean_load(load);
}

double max_vio(std::span<const std::int64_t> load) {
  if (load.empty() || total(load) == 0) return 0.0;
  const double mu = mean_load(load);
  return (static_cast<double>(*std::max_element(load.begin(), load.end())) - mu) / mu;
}

double max_over_mean(std::span<const double> load) {
  const double sum = std::accumulate(load.begin(), load.end(), 0.0);
  if (!(sum > 0.0)) return 1.0;
  return *std::max_element(load.begin(), load.end()) / (sum / static_cast<double>(load.size()));
}

double load_cv(std::span<const std::int64_t> load) {
  if (load.empty() || total(load) == 0) return 0.0;
  const double mu = mean_load(load);
  double squares = 0;
  for (const auto c : load) {
    const double deviation = static_cast<double>(c) - mu;
    squares += deviation * deviation;
  }
  return std::sqrt(squares / static_cast<double>(load.size())) / mu;
}

double load_gini(std::span<const std::int64_t> load) {
  if (load.empty() || total(load) == 0) return 0.0;
  // sum_ij |c_i - c_j| = 2 sum_i (2 i - E + 1) c_(i) over the sorted loads, i from 0. Loads are
  // mostly small enough to be sorted by counting: m equal ones from place i add up to m (2 i + m -
  // E) c.
  const auto count = static_cast<std::int64_t>(load.size());
  const double experts = static_cast<double>(count);
  const std::int64_t largest = *std::max_element(load.begin(), load.end());
  double weighted = 0;
  if (largest <= 16 * count) {
    std::vector<std::int64_t> times(static_cast<std::size_t>(largest) + 1);
    for (const auto c : load) ++times[static_cast<std::size_t>(c)];
    std::int64_t place = times[0];
    std::int64_t sum = 0;
    for (std::int64_t c = 1; c <= largest; ++c) {
      const std::int64_t m = times[static_cast<std::size_t>(c)];
      sum += m * (2 * place + m - count) * c;
      place += m;
    }
    weighted = static_cast<double>(sum);
  } else {
    std::vector<std::int64_t> sorted(load.begin(), load.end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      weighted += (2.0 * static_cast<double>(i) - experts + 1.0) * static_cast<double>(sorted[i]);
    }
  }
  return weighted / (experts * static_cast<double>(total(load)));
}

double load_entropy(std::span<const std::int64_t> load) {
  const double sum = static_cast<double>(total(load));
  double entropy = 0;
  for (const auto c : load) {
    if (c == 0) continue;
    const double p = static_cast<double>(c) / sum;
    entropy -= p * portable_log(p);
  }
  return entropy;
}

std::int64_t active_experts(std::span<const std::int64_t> load) {
  return std::count_if(load.begin(), load.end(), [](std::int64_t c) { return c > 0; });
}

double effective_experts(std::span<const std::int64_t> load) {
  return active_experts(load) == 0 ? 0.0 : portable_exp(load_entropy(load));
}

std::vector<double> rank_loads(std::span<const std::int64_t> load,
                               const ExpertPlacement& placement) {
  std::vector<double> ranks(static_cast<std::size_t>(placement.num_ranks()));
  for (int slot = 0; slot < placement.num_physical(); ++slot) {
    const auto p = static_cast<std::size_t>(slot);
    const LogicalExpert expert = placement.physical_to_logical()[p];
    const auto copies = static_cast<double>(placement.replicas(expert).size());
    ranks[static_cast<std::size_t>(index(placement.physical_to_rank()[p]))] +=
        static_cast<double>(load[static_cast<std::size_t>(index(expert))]) / copies;
  }
  return ranks;
}

double token_overlap(const RoutingBatch& batch) {
  if (batch.tokens < 2) return 0.0;
  const auto slots = static_cast<std::size_t>(batch.slots);
  std::int64_t common = 0;
  for (std::int64_t token = 1; token < batch.tokens; ++token) {
    const auto ids = batch.topk_ids.subspan(static_cast<std::size_t>(token) * slots, slots);
    const auto before = batch.topk_ids.subspan(static_cast<std::size_t>(token - 1) * slots, slots);
    for (const auto id : ids) {
      common += id != kAbsent && std::find(before.begin(), before.end(), id) != before.end();
    }
  }
  return static_cast<double>(common) / static_cast<double>(batch.tokens - 1);
}

std::vector<Measurement> expert_load_metrics(const LoadMatrix& loads, Provenance provenance) {
  Samples ratio{"load.max_over_mean", 1.0, {}};
  Samples vio_batch{"load.max_vio_batch", 0.0, {}};
  Samples vio_global{"load.max_vio_global", 0.0, {}};
  Samples cv{"load.cv", 0.0, {}};
  Samples gini{"load.gini", 0.0, {}};
  Samples entropy{"load.entropy", 0.0, {}};
  Samples active{"load.active_experts", 0.0, {}};
  Samples effective{"load.effective_experts", 0.0, {}};
  Samples dead{"load.dead_experts", static_cast<double>(loads.experts), {}};
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      const auto load = loads.at(step, layer);
      if (total(load) == 0) continue;
      ratio.values.push_back(max_over_mean(load));
      vio_batch.values.push_back(max_vio(load));
      cv.values.push_back(load_cv(load));
      gini.values.push_back(load_gini(load));
      entropy.values.push_back(load_entropy(load));
      active.values.push_back(static_cast<double>(active_experts(load)));
      effective.values.push_back(effective_experts(load));
    }
  }
  for (const auto& sum : summed_over_steps(loads)) {
    if (total(sum) == 0) continue;
    vio_global.values.push_back(max_vio(sum));
    dead.values.push_back(static_cast<double>(loads.experts - active_experts(sum)));
  }
  std::vector<Measurement> out;
  for (auto* samples :
       {&ratio, &vio_batch, &vio_global, &cv, &gini, &entropy, &active, &effective, &dead}) {
    out.push_back(aggregate(std::move(*samples), provenance));
  }
  return out;
}

std::vector<Measurement> rank_load_metrics(const LoadMatrix& loads,
                                           std::span<const ExpertPlacement> by_layer,
                                           std::int64_t first_step, Provenance provenance) {
  check_placements(loads, by_layer);
  Samples sglang{"load.balancedness_sglang", 1.0, {}};
  Samples vllm{"load.balancedness_vllm", 1.0, {}};
  Samples ratio{"rank.max_over_mean", 1.0, {}};
  Samples trtllm{"rank.imbalance_trtllm", 0.0, {}};
  for (std::int64_t step = first_step; step < loads.steps; ++step) {
    double rank_means = 0;
    double rank_maxima = 0;
    for (int layer = 0; layer < loads.layers; ++layer) {
      const auto load = loads.at(step, layer);
      const auto ranks = rank_loads(load, by_layer[by_layer.size() == 1 ? 0 : index_of(layer)]);
      const double hottest_over_mean = max_over_mean(ranks);
      sglang.values.push_back(1.0 / hottest_over_mean);
      if (total(load) == 0) continue;
      rank_means += mean(ranks);
      rank_maxima += *std::max_element(ranks.begin(), ranks.end());
      ratio.values.push_back(hottest_over_mean);
      trtllm.values.push_back(hottest_over_mean - 1.0);
    }
    if (rank_maxima > 0) vllm.values.push_back(rank_means / rank_maxima);
  }
  std::vector<Measurement> out;
  for (auto* samples : {&sglang, &vllm, &ratio, &trtllm}) {
    out.push_back(aggregate(std::move(*samples), provenance));
  }
  return out;
}

std::vector<Measurement> load_metrics(const LoadMatrix& loads, const ExpertPlacement& placement,
                                      Provenance provenance) {
  auto out = expert_load_metrics(loads, provenance);
  for (auto& metric : rank_load_metrics(loads, std::span(&placement, 1), 0, provenance))
    out.push_back(std::move(metric));
  return out;
}

}  // namespace hotexpert
