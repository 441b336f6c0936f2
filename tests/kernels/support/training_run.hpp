#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/cpu/route_gradients.hpp"
#include "kernels/reference_backward.hpp"
#include "tests/kernels/support/layer_run.hpp"

namespace hotexpert::test {

/// What a forward and a backward pass give.
struct TrainingRun {
  std::vector<float> out;        ///< [tokens, d_model]
  std::vector<float> d_in;       ///< [tokens, d_model]
  std::vector<float> d_weights;  ///< [tokens, slots]
  std::vector<ExpertGradients> gradients;

  friend bool operator==(const TrainingRun& a, const TrainingRun& b) {
    if (a.out != b.out || a.d_in != b.d_in || a.d_weights != b.d_weights) return false;
    if (a.gradients.size() != b.gradients.size()) return false;
    for (std::size_t e = 0; e < a.gradients.size(); ++e) {
      const auto& x = a.gradients[e];
      const auto& y = b.gradients[e];
      if (x.gate != y.gate || x.up != y.up || x.down != y.down) return false;
    }
    return true;
  }
};

/// The gradient of the layer's output that these tests use: activations of another seed.
inline AlignedBuffer output_gradient(const LayerShape& shape, std::int64_t tokens) {
  return activations_of(shape, tokens, kSeed + 1);
}

/// Forward and backward with one kernel; what the backend does, without its clocks.
inline TrainingRun run_training(const CpuKernelRow& row, const LayerShape& shape,
                                const DispatchPlan& plan, int threads,
                                const std::string& params = "") {
  const auto kernel = kernel_with_weights(row.make_training, row, shape, plan, threads, params);
  const auto rows = kernel->arrange(plan);
  const auto row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const AlignedBuffer activations = activations_of(shape, plan.tokens);
  const AlignedBuffer d_out = output_gradient(shape, plan.tokens);
  AlignedBuffer x(rows.buffer_rows() * row_bytes);
  AlignedBuffer d_y(rows.buffer_rows() * row_bytes);
  AlignedBuffer y(rows.buffer_rows() * row_bytes);
  AlignedBuffer d_x(rows.buffer_rows() * row_bytes);
  for (auto* buffer : {&x, &d_y, &y, &d_x}) buffer->poison();
  const auto pass = kernel->prepare(rows);
  kernel->poison_workspace();
  const auto blocks = kernel->input_blocks();
  const RowsView x_view{x.data(), rows.buffer_rows(), blocks, shape.dtype};
  const RowsView d_y_view{d_y.data(), rows.buffer_rows(), blocks, shape.dtype};

  const auto cells = static_cast<std::size_t>(plan.tokens * shape.d_model);
  TrainingRun run;
  run.out.assign(cells, std::nanf(""));
  run.d_in.assign(cells, std::nanf(""));
  run.d_weights.assign(rows.row_of_slot.size(), std::nanf(""));
  permute(rows, activations.data(), {x.data(), rows.buffer_rows(), blocks, shape.dtype}, threads);
  pass->forward(x_view, y.data());
  combine(rows, y.data(), shape.dtype, shape.d_model, run.out.data(), threads);
  combine_backward(rows, d_out.data(), y.data(),
                   {d_y.data(), rows.buffer_rows(), blocks, shape.dtype}, run.d_weights.data(),
                   threads);
  pass->dgrad(d_y_view, d_x.data());
  pass->wgrad(x_view, d_y_view);
  combine(unweighted(rows), d_x.data(), shape.dtype, shape.d_model, run.d_in.data(), threads);
  for (int expert = 0; expert < plan.num_physical + shape.num_shared_experts; ++expert)
    run.gradients.push_back(kernel->gradients(expert));
  return run;
}

/// Gradients straight from the routing, in fp64: no plan, no permutation.
struct ExpectedGradients {
  std::vector<double> d_in;
  std::vector<double> d_weights;  ///< [tokens, slots + shared]
  struct Expert {
    std::vector<double> gate, up, down;
  };
  std::vector<Expert> experts;
};

inline ExpectedGradients expected_gradients(const LayerShape& shape, const Routing& routing) {
  const auto row_bytes = shape.d_model * bytes_per_element(shape.dtype);
  const AlignedBuffer x = activations_of(shape, routing.tokens);
  const AlignedBuffer d_out = output_gradient(shape, routing.tokens);
  const int slots = routing.slots + shape.num_shared_experts;
  const auto d_model = static_cast<std::size_t>(shape.d_model);
  const auto d_ff = static_cast<std::size_t>(shape.d_ff);
  ExpectedGradients expected;
  expected.d_in.assign(static_cast<std::size_t>(routing.tokens) * d_model, 0.0);
  expected.d_weights.assign(static_cast<std::size_t>(routing.tokens * slots), 0.0);
  for (int expert = 0; expert < routing.num_physical + shape.num_shared_experts; ++expert) {
    ExpertWeights weights;
    draw_expert_weights(shape, kSeed, expert, 1, weights);
    std::vector<GradientRow> rows;
    const auto add_row = [&](std::int64_t token, int slot, float weight) {
      rows.push_back({x.data() + token * row_bytes, d_out.data() + token * row_bytes, weight});
      const auto gradient = reference_row_gradient(shape, weights, rows.back());
      for (std::size_t i = 0; i < d_model; ++i)
        expected.d_in[static_cast<std::size_t>(token) * d_model + i] += gradient.x[i];
      expected.d_weights[static_cast<std::size_t>(token * slots + slot)] = gradient.gate_weight;
    };
    for (std::int64_t token = 0; token < routing.tokens; ++token) {
      if (expert >= routing.num_physical) {
        add_row(token, routing.slots + expert - routing.num_physical, 1.0F);
        continue;
      }
      for (int slot = 0; slot < routing.slots; ++slot) {
        if (routing.at(token, slot) == expert) add_row(token, slot, routing.weight(token, slot));
      }
    }
    auto& into = expected.experts.emplace_back();
    if (shape.activation == Activation::kSwiglu) into.gate.resize(d_model * d_ff);
    into.up.resize(d_model * d_ff);
    into.down.resize(d_model * d_ff);
    for (std::size_t j = 0; j < d_ff; ++j) {
      const auto column =
          reference_column_gradient(shape, weights, rows, static_cast<std::int64_t>(j));
      for (std::size_t i = 0; i < d_model; ++i) {
        if (!into.gate.empty()) into.gate[i * d_ff + j] = column.gate[i];
        into.up[i * d_ff + j] = column.up[i];
        into.down[j * d_model + i] = column.down[i];
      }
    }
  }
  return expected;
}

}  // namespace hotexpert::test
