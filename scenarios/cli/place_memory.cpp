#include "scenarios/cli/place_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "scenarios/runner/presets.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/model/memory_model.hpp"

namespace hotexpert {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

LayerShape shape_of(const PresetRow& preset, int num_experts) {
  LayerShape shape;
  shape.num_experts = num_experts;
  shape.top_k = std::min(preset.top_k, num_experts);
  shape.d_model = preset.d_model;
  shape.d_ff = preset.d_ff;
  shape.dtype = DataType::kBf16;
  return shape;
}

/// Loads of one layer, all steps.
LoadMatrix layer_loads(const LoadMatrix& steps, int layer) {
  LoadMatrix one(steps.steps, 1, steps.experts);
  for (std::int64_t step = 0; step < steps.steps; ++step) {
    const auto from = steps.at(step, layer);
    std::copy(from.begin(), from.end(), one.at(step, 0).begin());
  }
  return one;
}

std::int64_t most_tokens(const LoadMatrix& loads, int top_k) {
  std::int64_t most = 0;
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    const auto rows = loads.at(step, 0);
    most = std::max(most, std::accumulate(rows.begin(), rows.end(), std::int64_t{0}));
  }
  return (most + top_k - 1) / top_k;
}

double peak_over_steps(const LayerShape& shape, MemoryPass pass, std::int64_t tokens,
                       const LoadMatrix& loads, const ExpertPlacement& placement) {
  double peak = 0;
  for (std::int64_t step = 0; step < loads.steps; ++step) {
    peak = std::max(
        peak, peak_memory(shape, KernelFamily::kGrouped, pass, tokens, loads.at(step, 0), placement)
                  .bytes.total());
  }
  return peak;
}

/// Weights (and in training optimizer state) of the experts in the slots of the fullest rank.
double held_bytes(const LayerShape& shape, MemoryPass pass, const ExpertPlacement& placement) {
  const std::vector<std::int64_t> nothing(static_cast<std::size_t>(placement.num_experts()), 0);
  const auto peak = peak_memory(shape, KernelFamily::kGrouped, pass, 0, nothing, placement);
  return peak.bytes.weights + peak.bytes.optimizer;
}

Json step_or_null(const std::optional<std::int64_t>& step) { return step ? Json(*step) : Json(); }

}  // namespace

std::vector<OptionRow> place_memory_options() {
  return {{"memory", "", "add what the hottest rank needs, experts of the preset in bf16"},
          {"memory.limit_gib", "N", "memory of a rank: names the first step that does not fit"}};
}

Json forecast_memory(const PlaceLoads& loads, const std::vector<PlacedLayer>& layers,
                     const Arguments& arguments) {
  if (loads.steps.steps == 0) throw UsageError("--memory: loads must be whole rows, step by step");
  const auto& preset =
      find_row(presets(), "layer preset", arguments.get("layer.preset", "deepseek-v3"));
  const LayerShape shape = shape_of(preset, loads.steps.experts);
  const bool limited = arguments.has("memory.limit_gib");
  const double limit =
      limited ? parse_double(arguments.get("memory.limit_gib"), "memory.limit_gib") * kGiB : 0;
  Json rows = Json::array();
  Json out = Json::object();
  for (const auto pass : {MemoryPass::kForward, MemoryPass::kTraining}) {
    double held = 0;
    for (const auto& layer : layers) held += held_bytes(shape, pass, layer.placement);
    std::optional<std::int64_t> first;
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      const auto& placement = layers[layer].placement;
      const LoadMatrix one = layer_loads(loads.steps, static_cast<int>(layer));
      const std::int64_t tokens = most_tokens(one, shape.top_k);
      const double peak = peak_over_steps(shape, pass, tokens, one, placement);
      if (pass == MemoryPass::kForward) {
        rows.push(Json::object()
                      .set("layer", static_cast<std::int64_t>(layer))
                      .set("rank.peak_bytes", peak)
                      .set("rank.peak_training_bytes",
                           peak_over_steps(shape, MemoryPass::kTraining, tokens, one, placement)));
      }
      if (!limited) continue;
      const double others = held - held_bytes(shape, pass, placement);
      const auto over = first_step_that_does_not_fit(shape, KernelFamily::kGrouped, pass, tokens,
                                                     one, placement, limit - others);
      if (over && (!first || *over < *first)) first = over;
    }
    const bool forward = pass == MemoryPass::kForward;
    out.set(forward ? "held_bytes" : "held_training_bytes", held);
    if (limited)
      out.set(forward ? "first_step_over" : "first_training_step_over", step_or_null(first));
  }
  out.set("layer.preset", preset.name).set("provenance", "modelled");
  if (limited) out.set("limit_bytes", limit);
  return out.set("layers", std::move(rows));
}

}  // namespace hotexpert
