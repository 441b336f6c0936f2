#include "sim/placement/rebalance_replay.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/index.hpp"
#include "sim/placement/placement_score.hpp"

namespace hotexpert {
namespace {

/// [layers][E] rows of steps [begin, end) together.
std::vector<std::vector<double>> window_load(const LoadMatrix& loads, std::int64_t begin,
                                             std::int64_t end) {
  std::vector<std::vector<double>> sum(at(loads.layers), std::vector<double>(at(loads.experts)));
  for (std::int64_t step = begin; step < end; ++step) {
    for (int layer = 0; layer < loads.layers; ++layer) {
      const auto rows = loads.at(step, layer);
      for (std::size_t e = 0; e < rows.size(); ++e) {
        sum[at(layer)][e] += static_cast<double>(rows[e]);
      }
    }
  }
  return sum;
}

/// Mean over the layers that have load; 1 without any.
class LayerMean {
 public:
  void add(double max_over_mean, bool loaded) {
    if (!loaded) return;
    sum_ += max_over_mean;
    ++layers_;
  }
  [[nodiscard]] double value() const { return layers_ == 0 ? 1.0 : sum_ / layers_; }

 private:
  double sum_ = 0;
  int layers_ = 0;
};

/// Scores all layers of one step (or window).
struct StepScore {
  double layers_s = 0;
  double max_over_mean = 1;
};

StepScore score_step(const std::vector<std::vector<double>>& load,
                     const std::vector<PlacedLayer>& placement, const PlacementTarget& target,
                     const RebalanceCosts& costs) {
  StepScore score;
  LayerMean mean;
  std::vector<double> rank_load;
  for (std::size_t layer = 0; layer < load.size(); ++layer) {
    rank_loads(placement[layer].placement, load[layer], rank_load);
    double slowest = 0;
    for (int rank = 0; rank < target.ranks; ++rank) {
      slowest = std::max(slowest, rank_load[at(rank)] / target.speed(rank));
    }
    const double total = std::accumulate(rank_load.begin(), rank_load.end(), 0.0);
    const double hottest = *std::max_element(rank_load.begin(), rank_load.end());
    mean.add(total > 0 ? hottest * target.ranks / total : 1, total > 0);
    if (total > 0) score.layers_s += std::max(costs.floor_s, costs.row_s * slowest);
  }
  score.max_over_mean = mean.value();
  return score;
}

void replay_steps(const LoadMatrix& loads, const PlacementTarget& target,
                  const RebalanceCosts& costs, const std::vector<PlacedLayer>& placement,
                  std::int64_t begin, std::int64_t end, Replay& replay) {
  for (std::int64_t step = begin; step < end; ++step) {
    const auto score = score_step(window_load(loads, step, step + 1), placement, target, costs);
    replay.step_s.push_back(score.layers_s + costs.other_s);
    replay.max_over_mean.push_back(score.max_over_mean);
    replay.charge_s.resize(replay.step_s.size(), 0.0);
  }
}

std::vector<bool> held(const PlacedLayer& layer) {
  const auto& placement = layer.placement;
  std::vector<bool> on_rank(at(placement.num_ranks()) * at(placement.num_experts()), false);
  for (std::size_t slot = 0; slot < at(placement.num_physical()); ++slot) {
    on_rank[at(index(placement.physical_to_rank()[slot])) * at(placement.num_experts()) +
            at(index(placement.physical_to_logical()[slot]))] = true;
  }
  return on_rank;
}

}  // namespace

std::vector<PlacedLayer> plan_window(const LoadMatrix& loads, const PlacementMethod& method,
                                     const PlacementTarget& target, std::int64_t begin,
                                     std::int64_t end) {
  std::vector<PlacedLayer> placed;
  const auto load = window_load(loads, begin, end);
  for (std::size_t layer = 0; layer < load.size(); ++layer) {
    placed.push_back(method.place(
        {.load = load[layer], .target = target, .layer = static_cast<std::uint32_t>(layer)}));
  }
  return placed;
}

std::vector<double> received_bytes(const std::vector<PlacedLayer>& from,
                                   const std::vector<PlacedLayer>& to, double expert_bytes) {
  const std::size_t ranks = at(to.front().placement.num_ranks());
  std::vector<double> received(ranks, 0.0);
  for (std::size_t layer = 0; layer < to.size(); ++layer) {
    const auto before = held(from[layer]);
    const auto after = held(to[layer]);
    const std::size_t experts = after.size() / ranks;
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (after[i] && !before[i]) received[i / experts] += expert_bytes;
    }
  }
  return received;
}

Replay replay_rebalancing(const LoadMatrix& loads, const PlacementMethod& method,
                          const PlacementTarget& target, const RebalanceSchedule& schedule,
                          const RebalanceCosts& costs, const std::vector<PlacedLayer>& before,
                          std::int64_t first_step, PlanOn plan_on) {
  Replay replay;
  replay.first_step = first_step;
  const std::int64_t interval =
      schedule.interval > 0 ? schedule.interval : loads.steps - first_step;
  auto current = before;
  double planned = 0;
  for (std::int64_t step = first_step; step < loads.steps; step += interval) {
    const std::int64_t end = std::min(step + interval, loads.steps);
    const bool past = plan_on == PlanOn::kPast;
    const std::int64_t window_begin = past ? step - schedule.window : step;
    const std::int64_t window_end = past ? step : end;
    auto next = plan_window(loads, method, target, window_begin, window_end);
    planned +=
        score_step(window_load(loads, window_begin, window_end), next, target, costs).max_over_mean;
    const auto received = received_bytes(current, next, costs.expert_bytes);
    current = std::move(next);
    replay_steps(loads, target, costs, current, step, end, replay);
    ++replay.rebalances;
    if (!past) continue;
    replay.moved_bytes += std::accumulate(received.begin(), received.end(), 0.0);
    replay.charge_s[at(step - first_step)] =
        costs.pause_s +
        *std::max_element(received.begin(), received.end()) / costs.link_bytes_per_s;
  }
  replay.planned_max_over_mean = planned / static_cast<double>(replay.rebalances);
  return replay;
}

Replay replay_unchanged(const LoadMatrix& loads, const PlacementTarget& target,
                        const RebalanceCosts& costs, const std::vector<PlacedLayer>& placement,
                        std::int64_t first_step) {
  Replay replay;
  replay.first_step = first_step;
  replay_steps(loads, target, costs, placement, first_step, loads.steps, replay);
  return replay;
}

}  // namespace hotexpert
