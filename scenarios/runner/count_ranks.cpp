#include "scenarios/runner/count_ranks.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/plugin/expert_plugin.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/model/memory_model.hpp"
#include "sim/placement/placement_method.hpp"
#include "sim/placement/placement_score.hpp"
#include "sim/placement/rebalance_replay.hpp"

namespace hotexpert {
namespace {

/// Every layer placed as `contiguous` does, on the same ranks without replicas where they fit.
std::vector<PlacedLayer> contiguous_layers(const Placements& placements, int experts) {
  const std::vector<double> nothing(static_cast<std::size_t>(experts), 0.0);
  PlacementTarget target = placements.target;
  if (target.ranks <= experts) target.slots = 0;
  return {placements.by_layer.size(),
          PlacementMethod::parse("contiguous").place({.load = nothing, .target = target})};
}

/// Mean rows a scored step: [layer, rank].
Series rank_load_series(std::string metric, const LoadMatrix& load,
                        const std::vector<PlacedLayer>& layers, std::int64_t first_step) {
  const int ranks = layers.front().placement.num_ranks();
  Series series;
  series.metric = std::move(metric);
  series.unit = "count";
  series.dims = {"layer", "rank"};
  series.shape = {load.layers, ranks};
  for (int layer = 0; layer < load.layers; ++layer) {
    std::vector<double> sum(static_cast<std::size_t>(ranks), 0.0);
    for (std::int64_t step = first_step; step < load.steps; ++step) {
      const auto rows =
          rank_loads(load.at(step, layer), layers[static_cast<std::size_t>(layer)].placement);
      std::transform(sum.begin(), sum.end(), rows.begin(), sum.begin(), std::plus<>());
    }
    for (const double rows : sum)
      series.values.push_back(rows / static_cast<double>(load.steps - first_step));
  }
  return series;
}

void add_batch_metrics(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                       PointResult& result) {
  // A plugin is given ragged rows, as grouped kernels are.
  const KernelFamily family = kernel_family(is_plugin(spec.kernel) ? "grouped" : spec.kernel);
  std::vector<double> ratio;
  std::vector<double> forward;
  std::vector<double> training;
  for (std::int64_t step = placements.window; step < load.steps; ++step) {
    for (int layer = 0; layer < load.layers; ++layer) {
      const auto rows = load.at(step, layer);
      const std::vector<double> as_double(rows.begin(), rows.end());
      const auto& placed = placements.by_layer[static_cast<std::size_t>(layer)];
      ratio.push_back(certify(placed, as_double, placements.target).ratio);
      const auto peak = [&](MemoryPass pass) {
        return peak_memory(spec.shape, family, pass, spec.trace.step_tokens, rows, placed.placement)
            .bytes.total();
      };
      forward.push_back(peak(MemoryPass::kForward));
      training.push_back(peak(MemoryPass::kTraining));
    }
  }
  auto& out = result.measurements;
  out.push_back(over_batches("place.lower_bound_ratio", ratio, Provenance::kCounted));
  out.push_back(over_batches("rank.peak_bytes", forward, Provenance::kModelled));
  out.push_back(over_batches("rank.peak_training_bytes", training, Provenance::kModelled));
}

}  // namespace

Measurement over_batches(std::string metric, const std::vector<double>& values,
                         Provenance provenance) {
  Measurement measurement{std::move(metric), mean(values), provenance};
  if (values.size() > 1) measurement.percentiles = percentiles(values);
  return measurement;
}

void count_ranks(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                 PointResult& result) {
  std::vector<ExpertPlacement> by_layer;
  for (const auto& layer : placements.by_layer) by_layer.push_back(layer.placement);
  for (auto& measurement : rank_load_metrics(load, by_layer, placements.window))
    result.measurements.push_back(std::move(measurement));
  if (spec.parallel.ranks == 1) return;

  add_batch_metrics(spec, placements, load, result);
  const auto contiguous = contiguous_layers(placements, load.experts);
  const auto moved = received_bytes(contiguous, placements.by_layer,
                                    static_cast<double>(weight_bytes_per_expert(spec.shape)));
  result.measurements.push_back({"place.moved_bytes",
                                 std::accumulate(moved.begin(), moved.end(), 0.0),
                                 Provenance::kCounted});
  const auto& network = placements.network;
  const double link =
      placements.target.nodes > 1 ? network.inter_bytes_per_s : network.intra_bytes_per_s;
  result.measurements.push_back({"place.move_s",
                                 *std::max_element(moved.begin(), moved.end()) / link,
                                 Provenance::kModelled});
  result.measurements.push_back(
      {"place.window_steps", static_cast<double>(placements.window), Provenance::kCounted});
  result.series.push_back(
      rank_load_series("rank.load", load, placements.by_layer, placements.window));
  result.series.push_back(
      rank_load_series("rank.load_contiguous", load, contiguous, placements.window));
}

}  // namespace hotexpert
