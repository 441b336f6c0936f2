#include "scenarios/runner/model_step.hpp"

#include <algorithm>

#include "scenarios/runner/presets.hpp"
#include "sim/base/registry.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/model/memory_model.hpp"
#include "sim/model/nonnegative_least_squares.hpp"

namespace hotexpert {
namespace {

int model_layers(const PointSpec& spec, int trace_layers) {
  const std::string& preset = spec.choice.at("layer.preset");
  return preset == "none" ? trace_layers : find_row(presets(), "layer preset", preset).moe_layers;
}

}  // namespace

RankLaw fit_rank_law(std::span<const double> rows, std::span<const double> seconds) {
  const auto [fewest, most] = std::minmax_element(rows.begin(), rows.end());
  const bool one_point = *fewest == *most;
  std::vector<double> matrix;  // divided by the measured seconds: errors count relative to them
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!one_point) matrix.push_back(1 / seconds[i]);
    matrix.push_back(rows[i] / *most / seconds[i]);
  }
  const std::vector<double> ones(rows.size(), 1.0);
  const auto constants = nonnegative_least_squares(matrix, ones, one_point ? 1 : 2);
  return {one_point ? 0.0 : constants.front(), *most > 0 ? constants.back() / *most : 0.0};
}

void add_model_step(const PointSpec& spec, const Placements& placements, const LoadMatrix& load,
                    const RankLaw& law, PointResult& result) {
  const double scale =
      static_cast<double>(model_layers(spec, load.layers)) / static_cast<double>(load.layers);
  double seconds = 0;
  double share = 0;
  for (std::int64_t step = placements.window; step < load.steps; ++step) {
    std::vector<std::vector<double>> rank_seconds;
    for (int layer = 0; layer < load.layers; ++layer) {
      auto ranks = rank_loads(load.at(step, layer), placements.of(layer));
      for (std::size_t r = 0; r < ranks.size(); ++r)
        ranks[r] = law.seconds(ranks[r]) / placements.target.speed(static_cast<int>(r));
      rank_seconds.push_back(std::move(ranks));
    }
    const ModelStep whole = model_step(rank_seconds);
    seconds += whole.seconds * scale;
    share += whole.imbalance_share;
  }
  const auto steps = static_cast<double>(load.steps - placements.window);
  result.measurements.push_back({"model.step_s", seconds / steps, Provenance::kModelled});
  result.measurements.push_back({"model.imbalance_share", share / steps, Provenance::kModelled});
}

}  // namespace hotexpert
