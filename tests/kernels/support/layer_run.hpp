#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/cpu/permute.hpp"
#include "kernels/reference_expert.hpp"
#include "tests/kernels/support/layer_data.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert::test {

/// Permute, experts, combine with one kernel; what the backend does, without its clocks.
/// @param tiles when given, the experts run traced and it receives their tiles
inline std::vector<float> run_layer(const CpuKernelRow& row, const LayerShape& shape,
                                    const DispatchPlan& plan, int threads,
                                    const std::string& params = "", TileRecords* tiles = nullptr) {
  const auto kernel = kernel_with_weights(row.make, row, shape, plan, threads, params);
  const auto rows = kernel->arrange(plan);
  const auto row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const AlignedBuffer activations = activations_of(shape, plan.tokens);
  AlignedBuffer x(rows.buffer_rows() * row_bytes);
  AlignedBuffer y(rows.buffer_rows() * row_bytes);
  const auto pass = kernel->prepare(rows);
  x.poison();
  y.poison();
  kernel->poison_workspace();
  const auto blocks = kernel->input_blocks();
  permute(rows, activations.data(), {x.data(), rows.buffer_rows(), blocks, shape.dtype}, threads);
  const RowsView in{x.data(), rows.buffer_rows(), blocks, shape.dtype};
  if (tiles == nullptr) {
    pass->run(in, y.data());
  } else {
    pass->run_traced(in, y.data(), *tiles);
  }
  std::vector<float> out(static_cast<std::size_t>(plan.tokens * shape.d_model), std::nanf(""));
  combine(rows, y.data(), shape.dtype, shape.d_model, out.data(), threads);
  return out;
}

/// The layer's output straight from the routing, in fp64: no plan, no permutation.
inline std::vector<double> expected_layer(const LayerShape& shape, const Routing& routing) {
  const auto row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const AlignedBuffer activations = activations_of(shape, routing.tokens);
  std::vector<double> out(static_cast<std::size_t>(routing.tokens * shape.d_model), 0.0);
  const auto add = [&](int expert, const ExpertWeights& weights) {
    for (std::int64_t token = 0; token < routing.tokens; ++token) {
      double gate = expert >= routing.num_physical ? 1.0 : 0.0;
      for (int slot = 0; slot < routing.slots; ++slot) {
        if (routing.at(token, slot) == expert) {
          gate += static_cast<double>(routing.weight(token, slot));
        }
      }
      if (gate == 0.0) continue;
      const auto y = reference_expert(shape, weights, activations.data() + token * row_bytes);
      for (std::size_t i = 0; i < y.size(); ++i) {
        out[static_cast<std::size_t>(token * shape.d_model) + i] += gate * y[i];
      }
    }
  };
  ExpertWeights weights;
  for (int expert = 0; expert < routing.num_physical + shape.num_shared_experts; ++expert) {
    draw_expert_weights(shape, kSeed, expert, 1, weights);
    add(expert, weights);
  }
  return out;
}

/// ||actual - expected|| / ||expected||; infinity for NaN or sizes that differ.
inline double relative_error(const std::vector<float>& actual,
                             const std::vector<double>& expected) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < expected.size() && i < actual.size(); ++i) {
    const double d = static_cast<double>(actual[i]) - expected[i];
    difference += d * d;
    size += expected[i] * expected[i];
  }
  if (actual.size() != expected.size()) return HUGE_VAL;
  if (size == 0.0) return difference == 0.0 ? 0.0 : HUGE_VAL;
  const double error = std::sqrt(difference / size);
  return std::isnan(error) ? HUGE_VAL : error;
}

}  // namespace hotexpert::test
