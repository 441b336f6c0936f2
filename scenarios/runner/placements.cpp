#include "scenarios/runner/placements.hpp"

#include <fmt/format.h>

#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/index.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/placement/rank_speeds.hpp"

namespace hotexpert {
namespace {

std::int64_t window_of(const PointSpec& spec, const BatchRange& range, Sees sees) {
  const auto& parallel = spec.parallel;
  if (parallel.window < 0) {
    const std::int64_t half = parallel.ranks > 1 ? range.steps / 2 : 0;
    if (half == 0 && parallel.ranks > 1 && sees != Sees::kNothing) {
      throw UsageError(
          fmt::format("placement.method '{}' plans on earlier steps than it is scored on, and the "
                      "trace has one (raise step.count, or lower step.tokens)",
                      parallel.method));
    }
    return half;
  }
  if (parallel.window >= range.steps) {
    throw UsageError(
        fmt::format("placement.window: {} of {} steps leave none to score; choose less than {}",
                    parallel.window, range.steps, range.steps));
  }
  if (parallel.window == 0 && parallel.ranks > 1 && sees != Sees::kNothing) {
    throw UsageError(
        fmt::format("placement.window: '{}' plans on past load and needs at least one "
                    "step of it",
                    parallel.method));
  }
  return parallel.window;
}

/// Counts pairs of experts that tokens chose together: adds to [E, E].
void count_pairs(const RoutingBatch& batch, std::vector<double>& pairs) {
  const auto slots = static_cast<std::size_t>(batch.slots);
  const auto experts = at(batch.num_experts);
  for (std::size_t token = 0; token < static_cast<std::size_t>(batch.tokens); ++token) {
    const auto ids = batch.topk_ids.subspan(token * slots, slots);
    for (const auto a : ids) {
      if (a < 0 || a >= batch.num_experts) continue;
      for (const auto b : ids) {
        if (b < 0 || b >= batch.num_experts || a == b) continue;
        pairs[at(a) * experts + at(b)] += 1;
      }
    }
  }
}

/// What a method sees of one layer: its window's loads and pairs, all steps together.
struct LayerPast {
  std::vector<double> load;
  std::vector<double> pairs;  ///< [E, E], or empty
};

LayerPast look_back(const PointSpec& spec, const RoutingTrace& trace, const BatchRange& range,
                    int layer, std::int64_t window, bool with_pairs) {
  const auto experts = at(spec.shape.num_experts);
  std::vector<std::int64_t> rows(experts, 0);
  LayerPast past;
  if (with_pairs) past.pairs.assign(experts * experts, 0.0);
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < window; ++step) {
    const RoutingBatch batch = trace.read(step, range.first_layer + layer, buffer);
    count_load(batch, rows);
    if (with_pairs) count_pairs(batch, past.pairs);
  }
  past.load.assign(rows.begin(), rows.end());
  return past;
}

PlacementTarget target_of(const PointSpec& spec, const NetworkDescription& network) {
  const auto& parallel = spec.parallel;
  PlacementTarget target;
  target.ranks = parallel.ranks;
  target.nodes = node_count(parallel.nodes, parallel.ranks, network.ranks_per_node);
  target.groups = parallel.groups;
  target.slots = parallel.slots;
  target.rank_speed = parse_rank_speeds(parallel.speeds, parallel.ranks);
  return target;
}

}  // namespace

int node_count(int nodes, int ranks, int ranks_per_node) {
  if (nodes > 0) return nodes;
  int fewest = 1;
  while (ranks % fewest != 0 || ranks / fewest > ranks_per_node) ++fewest;
  return fewest;
}

Placements place_experts(const PointSpec& spec, const RoutingTrace& trace, int threads) {
  const auto method = PlacementMethod::parse(spec.parallel.method);
  const BatchRange range = batch_range(spec.trace, trace.info());
  Placements placements;
  placements.network = read_network(spec.parallel.network);
  placements.window = window_of(spec, range, method.sees());
  placements.by_layer.assign(at(range.layers),
                             PlacedLayer(ExpertPlacement::contiguous(spec.shape.num_experts)));
  if (spec.parallel.ranks == 1) return placements;

  placements.target = target_of(spec, placements.network);
  const std::vector<double> nothing(at(spec.shape.num_experts), 0.0);
  validate({.load = nothing, .target = placements.target});
  placements.network.ranks_per_node = placements.target.ranks_per_node();
  parallel_for(range.layers, threads, [&](int, std::int64_t layer) {
    const auto index = static_cast<int>(layer);
    const LayerPast past = look_back(spec, trace, range, index, placements.window,
                                     method.sees() == Sees::kLoadAndTokens);
    placements.by_layer[at(index)] =
        method.place({.load = past.load,
                      .target = placements.target,
                      .coactivation = past.pairs,
                      .seed = spec.trace.seed,
                      .layer = static_cast<std::uint32_t>(range.first_layer + index)});
  });
  return placements;
}

}  // namespace hotexpert
