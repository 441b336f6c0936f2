#pragma once

#include <cstdint>
#include <vector>

#include "sim/training/dispatch.hpp"
#include "sim/training/matrix.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// The experts of one layer: two projections without bias,
///   swiglu: y = (silu(x W_gate) * (x W_up)) W_down     relu: y = max(x W_up, 0) W_down
/// Each expert's rows are gathered and go through one product a projection.
template <class Scalar>
class ExpertBank {
 public:
  /// Weights start from N(0, gain^2 / fan_in).
  explicit ExpertBank(const TrainConfig& config);

  /// output [T, d_model] += gate * expert(hidden) over the kept assignments. Keeps what backward
  /// needs.
  void forward(const Matrix<Scalar>& hidden, const Matrix<Scalar>& gates, const Dispatch& dispatch,
               Matrix<Scalar>& output);

  /// After forward with the same arguments: sets each expert's parameter gradient and the gradient
  /// of the gates [T, slots] (0 where absent or dropped); adds to `hidden_gradient` where given.
  void backward(const Matrix<Scalar>& output_gradient, const Matrix<Scalar>& gates,
                const Dispatch& dispatch, Matrix<Scalar>& gate_gradient,
                Matrix<Scalar>* hidden_gradient);

  /// Output of one expert on `rows` inputs [rows, d_model], without gates.
  void apply(int expert, std::int64_t rows, const Scalar* input, Scalar* output);

  /// An expert's parameters: W_gate beside W_up [d_model, 2 d_ff] (relu: W_up [d_model, d_ff]),
  /// then W_down [d_ff, d_model].
  ParameterBlock<Scalar>& parameters(int expert) {
    return experts_[static_cast<std::size_t>(expert)];
  }
  [[nodiscard]] int num_experts() const { return static_cast<int>(experts_.size()); }

 private:
  void activate(std::int64_t rows, const Scalar* projected, Scalar* activated) const;
  void activate_backward(std::int64_t rows, const Scalar* activated_gradient,
                         Scalar* projected) const;
  void run_expert(int expert, std::int64_t rows, const Scalar* input, Scalar* projected,
                  Scalar* activated, Scalar* output) const;

  std::int64_t width_;
  std::int64_t d_ff_;
  std::int64_t up_columns_;  ///< 2 d_ff for swiglu, d_ff for relu
  Activation activation_;
  std::vector<ParameterBlock<Scalar>> experts_;
  // Rows of all experts, in dispatch order.
  Matrix<Scalar> input_;      ///< [rows, d_model]
  Matrix<Scalar> projected_;  ///< [rows, up_columns]
  Matrix<Scalar> activated_;  ///< [rows, d_ff]
  Matrix<Scalar> output_;     ///< [rows, d_model]
};

}  // namespace hotexpert::training
