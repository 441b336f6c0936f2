#include "profiler/virtual_ranks.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "profiler/layer_step.hpp"
#include "sim/base/statistics.hpp"
#include "sim/routing/rank_plan.hpp"

namespace hotexpert {
namespace {

constexpr std::array kPhases = {&PhaseTimes::route_s, &PhaseTimes::permute_s,
                                &PhaseTimes::expert_ffn_s, &PhaseTimes::combine_s};

void add(PhaseTimes& sum, const PhaseTimes& part) {
  for (const auto phase : kPhases) {
    if (part.*phase) sum.*phase = (sum.*phase).value_or(0.0) + *(part.*phase);
  }
  sum.total_s += part.total_s;
}

void scale(PhaseTimes& times, double factor) {
  for (const auto phase : kPhases) {
    if (times.*phase) times.*phase = *(times.*phase) * factor;
  }
  times.total_s *= factor;
}

std::vector<std::int64_t> falling_rows(const DispatchPlan& plan) {
  std::vector<std::int64_t> rows;
  for (int p = 0; p < plan.num_physical; ++p) rows.push_back(plan.rows(p));
  std::sort(rows.begin(), rows.end(), std::greater<>());
  return rows;
}

std::vector<int> experts_of_rank(const DispatchPlan& plan, int rank) {
  std::vector<int> experts;
  for (int p = 0; p < plan.num_physical; ++p) {
    if (plan.rank_of_expert[static_cast<std::size_t>(p)] == rank) experts.push_back(p);
  }
  return experts;
}

/// Puts the values of a rank's experts in the places that the whole plan has for them.
void spread(std::vector<std::int64_t>& values, const std::vector<int>& experts, std::size_t all) {
  if (values.empty()) return;
  std::vector<std::int64_t> wide(all, 0);
  for (std::size_t i = 0; i < experts.size(); ++i)
    wide[static_cast<std::size_t>(experts[i])] = values[i];
  values = std::move(wide);
}

/// A pass of a rank with its experts named as the whole plan names them.
TracedPass renumbered(TracedPass pass, const std::vector<int>& experts, std::size_t all) {
  auto& grid = pass.timeline.grid;
  for (auto* values : {&grid.token_rows, &grid.computed_rows, &grid.even_rows})
    spread(*values, experts, all);
  for (auto& band : grid.bands) {
    spread(band.row_tiles, experts, all);
    spread(band.tile_rows, experts, all);
  }
  for (auto& tile : pass.timeline.tiles)
    tile.expert = experts[static_cast<std::size_t>(tile.expert)];
  return pass;
}

void add(std::vector<std::int64_t>& sum, const std::vector<std::int64_t>& part) {
  for (std::size_t i = 0; i < sum.size() && i < part.size(); ++i) sum[i] += part[i];
}

/// Lets a pass of other experts follow, with nothing between but what moves rows.
void append(TracedPass& pass, TracedPass next) {
  auto& grid = pass.timeline.grid;
  const auto& other = next.timeline.grid;
  add(grid.token_rows, other.token_rows);
  add(grid.computed_rows, other.computed_rows);
  add(grid.even_rows, other.even_rows);
  for (std::size_t band = 0; band < grid.bands.size(); ++band) {
    add(grid.bands[band].row_tiles, other.bands[band].row_tiles);
    add(grid.bands[band].tile_rows, other.bands[band].tile_rows);
  }
  const double between_s = pass.times.combine_s.value_or(0) + next.times.permute_s.value_or(0);
  const std::uint64_t was_ns = next.timeline.begin_ns();
  const std::uint64_t begin_ns =
      pass.timeline.tiles.empty()
          ? was_ns
          : pass.timeline.end_ns() + static_cast<std::uint64_t>(1e9 * between_s);
  auto records = std::move(pass.timeline.tiles);
  for (TileRecord tile : next.timeline.tiles) {
    tile.begin_ns = tile.begin_ns - was_ns + begin_ns;
    tile.end_ns = tile.end_ns - was_ns + begin_ns;
    records.push_back(tile);
  }
  pass.timeline = make_timeline(std::move(grid), std::move(records));
  add(pass.times, next.times);
  if (pass.processor_s && next.processor_s) *pass.processor_s += *next.processor_s;
  if (pass.untraced.empty()) pass.untraced = std::move(next.untraced);
}

}  // namespace

VirtualRanks::VirtualRanks(LayerOfExperts layer_of, int shared_experts, std::vector<double> speed,
                           EqualLoads equal_loads)
    : layer_of_(std::move(layer_of)),
      shared_experts_(shared_experts),
      speed_(std::move(speed)),
      equal_loads_(equal_loads) {}

int VirtualRanks::load(const DispatchPlan& plan, std::span<const std::int64_t> owned_tokens,
                       const PayloadOfPlan& payload_of) {
  LoadedPlan loaded;
  loaded.num_physical = plan.num_physical;
  std::map<std::vector<std::int64_t>, std::size_t> known;
  const auto index_of = [&](std::vector<std::int64_t> key, const DispatchPlan& local,
                            std::vector<int> experts, int rank) {
    if (equal_loads_ == EqualLoads::kRunApart) key.push_back(-2 - rank);
    const auto [found, is_new] = known.emplace(std::move(key), loaded.loads.size());
    if (is_new) {
      PreparedLayer& layer = layer_of_(local.num_physical);
      loaded.loads.push_back(
          {&layer, layer.load(local), local.rows(), payload_of(local), std::move(experts), {}});
    }
    return found->second;
  };
  for (int rank = 0; rank < plan.num_ranks; ++rank) {
    const DispatchPlan local = rank_plan(plan, rank);
    loaded.routed.push_back(
        index_of(falling_rows(local), local, experts_of_rank(plan, rank), rank));
    if (shared_experts_ == 0) continue;
    const std::int64_t own = owned_tokens[static_cast<std::size_t>(rank)];
    const DispatchPlan dense = dense_plan(own, shared_experts_);
    loaded.shared.push_back(index_of({-1, own}, dense, {}, rank));
  }
  plans_.push_back(std::move(loaded));
  return static_cast<int>(plans_.size()) - 1;
}

PhaseTimes VirtualRanks::time_of_rank(const LoadedPlan& plan, std::size_t rank,
                                      std::size_t run) const {
  PhaseTimes times;
  add(times, plan.loads[plan.routed[rank]].history[run]);
  if (!plan.shared.empty()) add(times, plan.loads[plan.shared[rank]].history[run]);
  if (!speed_.empty()) scale(times, 1 / speed_[rank]);
  return times;
}

PhaseTimes VirtualRanks::run(int handle) {
  LoadedPlan& plan = plans_.at(static_cast<std::size_t>(handle));
  for (auto& load : plan.loads)
    load.history.push_back(run_step(*load.layer, load.handle, load.payload));
  const std::size_t now = plan.loads.front().history.size() - 1;
  PhaseTimes slowest;
  std::vector<double> ffn_s;
  for (std::size_t rank = 0; rank < plan.routed.size(); ++rank) {
    PhaseTimes times = time_of_rank(plan, rank, now);
    ffn_s.push_back(times.expert_ffn_s.value_or(times.total_s));
    if (times.total_s > slowest.total_s) slowest = std::move(times);
  }
  slowest.rank_ffn_s = std::move(ffn_s);
  return slowest;
}

std::vector<TracedPass> VirtualRanks::run_traced(int handle) {
  LoadedPlan& plan = plans_.at(static_cast<std::size_t>(handle));
  const auto traced = [](const TimedLoad& load) {
    return run_traced_step(*load.layer, load.handle, load.payload);
  };
  const auto all = static_cast<std::size_t>(plan.num_physical + shared_experts_);
  std::vector<int> shared(static_cast<std::size_t>(shared_experts_));
  std::iota(shared.begin(), shared.end(), plan.num_physical);
  std::vector<TracedPass> passes;
  for (std::size_t rank = 0; rank < plan.routed.size(); ++rank) {
    const TimedLoad& routed = plan.loads[plan.routed[rank]];
    passes.push_back(renumbered(traced(routed), routed.experts, all));
    if (!plan.shared.empty())
      append(passes.back(), renumbered(traced(plan.loads[plan.shared[rank]]), shared, all));
  }
  return passes;
}

void VirtualRanks::run_staged(int handle, StageObserver& observer) {
  for (const auto& load : plans_.at(static_cast<std::size_t>(handle)).loads)
    run_staged_step(*load.layer, load.handle, load.payload, observer);
}

RankTimes VirtualRanks::settle(int handle, std::size_t runs) const {
  const LoadedPlan& plan = plans_.at(static_cast<std::size_t>(handle));
  const std::size_t ranks = plan.routed.size();
  const std::size_t end = plan.loads.front().history.size();
  const std::size_t first = end - std::min(end, runs);
  RankTimes out;
  std::vector<std::vector<double>> ffn_s(end - first);  // [runs][R]
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    std::vector<double> ffn;
    std::vector<double> total;
    for (std::size_t run = first; run < end; ++run) {
      const PhaseTimes times = time_of_rank(plan, rank, run);
      ffn.push_back(times.expert_ffn_s.value_or(times.total_s));
      total.push_back(times.total_s);
      ffn_s[run - first].push_back(ffn.back());
    }
    out.ffn_s.push_back(median(ffn));
    out.total_s.push_back(median(total));
  }
  out.straggler = static_cast<int>(std::ranges::max_element(out.total_s) - out.total_s.begin());
  for (std::size_t run = first; run < end; ++run) {
    out.samples.push_back(time_of_rank(plan, static_cast<std::size_t>(out.straggler), run));
    out.samples.back().rank_ffn_s = std::move(ffn_s[run - first]);
  }
  return out;
}

double VirtualRanks::verify(int handle, std::int64_t budget, int& bad_expert) {
  LoadedPlan& plan = plans_.at(static_cast<std::size_t>(handle));
  std::vector<std::size_t> order(plan.loads.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return plan.loads[i].rows; });
  double worst = 0;
  bad_expert = -1;
  for (const std::size_t i : order) {
    const TimedLoad& load = plan.loads[i];
    if (i != order.front() && load.rows > budget) break;
    budget -= load.rows;
    int local = -1;
    const double error = load.layer->verify(load.handle, local);
    if (error <= worst) continue;
    worst = error;
    const bool routed = local >= 0 && static_cast<std::size_t>(local) < load.experts.size();
    bad_expert = routed ? load.experts[static_cast<std::size_t>(local)] : -1;
  }
  return worst;
}

std::int64_t VirtualRanks::computed_rows(int handle) const {
  const LoadedPlan& plan = plans_.at(static_cast<std::size_t>(handle));
  std::int64_t rows = 0;
  const auto add_rows = [&](std::size_t i) {
    rows += plan.loads[i].layer->computed_rows(plan.loads[i].handle);
  };
  for (const std::size_t i : plan.routed) add_rows(i);
  for (const std::size_t i : plan.shared) add_rows(i);
  return rows;
}

std::size_t VirtualRanks::distinct_loads(int handle) const {
  return plans_.at(static_cast<std::size_t>(handle)).loads.size();
}

}  // namespace hotexpert
