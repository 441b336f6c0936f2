#pragma once

#include <cstring>
#include <limits>
#include <utility>

#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/reference_backward.hpp"
#include "kernels/reference_expert.hpp"
#include "profiler/backward_check.hpp"

namespace hotexpert::test {

/// What a fake device does wrong in its backward pass.
struct BackwardFault {
  bool wrong_expert = false;  ///< gradients of experts 0 and 1 are exchanged
  bool forgets_row = false;   ///< expert 0's weight gradients leave out its last row
  bool lost_weight = false;   ///< gate weights count as 1 in dL/dy
  bool stale = false;         ///< a gate gradient was never written
};

/// A training layer of a device that computes on the host, fp32 layers only.
class FakeTrainingLayer final : public DeviceTrainingLayer {
 public:
  FakeTrainingLayer(const LayerShape& shape, std::uint64_t seed, LayerPass pass,
                    BackwardFault fault)
      : shape_(shape), seed_(seed), pass_(pass), fault_(fault) {}

  int load(const ExpertRows& rows, const CudaKernelChoice& choice) override {
    loaded_choice = choice;
    rows_ = rows;
    compute();
    return 0;
  }
  void unload() override {}
  TrainingTimes run(int) override {
    TrainingTimes times;
    if (pass_ == LayerPass::kTraining) times.forward = {1e-6, 2e-6, 5e-6, 2e-6};
    times.permute_s = 3e-6;
    times.dgrad_s = 5e-6;
    times.wgrad_s = 7e-6;
    times.combine_s = 1e-6;
    times.total_s = 3e-5;
    times.clock_hz = 1.7e9;
    return times;
  }
  std::vector<std::int32_t> read_row_of_slot(int) override { return rows_.row_of_slot; }
  std::vector<std::byte> read_expert_rows(int) override { return bytes(y_); }
  std::vector<float> read_output(int) override { return combined(y_, false); }
  std::vector<std::byte> read_input_rows(int) override { return bytes(d_x_); }
  std::vector<float> read_input_gradient(int) override { return combined(d_x_, true); }
  std::vector<float> read_gate_gradients(int) override {
    auto gradients = d_weight_;
    if (fault_.stale) gradients.back() = std::numeric_limits<float>::quiet_NaN();
    return gradients;
  }
  DeviceGradients read_gradients(int expert) override {
    if (fault_.wrong_expert && expert < 2) expert = 1 - expert;
    return gradients_.at(static_cast<std::size_t>(expert));
  }

  CudaKernelChoice loaded_choice;

 private:
  static std::vector<std::byte> bytes(const std::vector<float>& values) {
    std::vector<std::byte> out(values.size() * sizeof(float));
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  [[nodiscard]] std::vector<float> combined(const std::vector<float>& rows, bool unweighted) const {
    const auto d_model = static_cast<std::size_t>(shape_.d_model);
    std::vector<float> out(static_cast<std::size_t>(rows_.tokens) * d_model, 0.0F);
    for (std::size_t cell = 0; cell < rows_.row_of_slot.size(); ++cell) {
      if (rows_.row_of_slot[cell] < 0) continue;
      const auto token = cell / static_cast<std::size_t>(rows_.slots);
      const auto row = static_cast<std::size_t>(rows_.row_of_slot[cell]);
      for (std::size_t c = 0; c < d_model; ++c)
        out[token * d_model + c] +=
            (unweighted ? 1.0F : rows_.weight_of_slot[cell]) * rows[row * d_model + c];
    }
    return out;
  }
  void compute() {
    const auto d_model = static_cast<std::size_t>(shape_.d_model);
    const auto d_ff = static_cast<std::size_t>(shape_.d_ff);
    AlignedBuffer x(rows_.tokens * shape_.d_model * 4);
    AlignedBuffer d_out(rows_.tokens * shape_.d_model * 4);
    draw_activations(shape_, seed_, rows_.tokens, 1, x.data());
    draw_output_gradient(shape_, seed_, rows_.tokens, 1, d_out.data());
    y_.assign(static_cast<std::size_t>(rows_.buffer_rows()) * d_model, 0.0F);
    d_x_ = y_;
    d_weight_.assign(rows_.row_of_slot.size(), 0.0F);
    for (std::size_t e = 0; e < rows_.experts.size(); ++e) {
      ExpertWeights weights;
      draw_expert_weights(shape_, seed_, static_cast<int>(e), 1, weights);
      std::vector<GradientRow> rows;
      for (std::size_t cell = 0; cell < rows_.row_of_slot.size(); ++cell) {
        const auto& segment = rows_.experts[e];
        const std::int64_t row = rows_.row_of_slot[cell];
        if (row < segment.first || row >= segment.first + segment.used) continue;
        const auto token = static_cast<std::int64_t>(cell) / rows_.slots;
        rows.push_back({x.data() + token * shape_.d_model * 4,
                        d_out.data() + token * shape_.d_model * 4,
                        fault_.lost_weight ? 1.0F : rows_.weight_of_slot[cell]});
        const auto gradient = reference_row_gradient(shape_, weights, rows.back());
        const auto y = reference_expert(shape_, weights, rows.back().x);
        for (std::size_t c = 0; c < d_model; ++c) {
          y_[static_cast<std::size_t>(row) * d_model + c] = static_cast<float>(y[c]);
          d_x_[static_cast<std::size_t>(row) * d_model + c] = static_cast<float>(gradient.x[c]);
        }
        d_weight_[cell] = static_cast<float>(gradient.gate_weight);
      }
      if (fault_.forgets_row && e == 0 && !rows.empty()) rows.pop_back();
      const bool gated = shape_.activation == Activation::kSwiglu;
      auto& into = gradients_.emplace_back();
      into.in.resize((gated ? 2 : 1) * d_ff * d_model);
      into.down.resize(d_model * d_ff);
      for (std::size_t j = 0; j < d_ff; ++j) {
        const auto column =
            reference_column_gradient(shape_, weights, rows, static_cast<std::int64_t>(j));
        for (std::size_t i = 0; i < d_model; ++i) {
          if (gated) into.in[j * d_model + i] = static_cast<float>(column.gate[i]);
          into.in[((gated ? d_ff : 0) + j) * d_model + i] = static_cast<float>(column.up[i]);
          into.down[i * d_ff + j] = static_cast<float>(column.down[i]);
        }
      }
    }
  }

  LayerShape shape_;
  std::uint64_t seed_;
  LayerPass pass_;
  BackwardFault fault_;
  ExpertRows rows_;
  std::vector<float> y_, d_x_, d_weight_;
  std::vector<DeviceGradients> gradients_;
};

}  // namespace hotexpert::test
