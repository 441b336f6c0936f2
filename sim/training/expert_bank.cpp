#include "sim/training/expert_bank.hpp"

#include <algorithm>
#include <cmath>

#include "sim/training/products.hpp"
#include "sim/training/training_random.hpp"

namespace hotexpert::training {

template <class Scalar>
ExpertBank<Scalar>::ExpertBank(const TrainConfig& config)
    : width_(config.d_model),
      d_ff_(config.d_ff),
      up_columns_(config.activation == Activation::kSwiglu ? 2 * config.d_ff : config.d_ff),
      activation_(config.activation),
      experts_(static_cast<std::size_t>(config.num_experts)) {
  const RandomKey key = draw_key(config.seed, DrawStream::kExpertInit);
  const double gain = config.expert_init_gain;
  const auto up_size = static_cast<std::size_t>(width_ * up_columns_);
  for (std::size_t i = 0; i < experts_.size(); ++i) {
    experts_[i].resize(width_ * up_columns_ + d_ff_ * width_);
    const std::span<Scalar> values(experts_[i].value);
    const auto item = static_cast<std::uint32_t>(2 * i);
    fill_normal(key, item, gain / std::sqrt(static_cast<double>(width_)), values.first(up_size));
    fill_normal(key, item + 1, gain / std::sqrt(static_cast<double>(d_ff_)),
                values.subspan(up_size));
  }
}

template <class Scalar>
void ExpertBank<Scalar>::activate(std::int64_t rows, const Scalar* projected,
                                  Scalar* activated) const {
  if (activation_ == Activation::kSwiglu) {
    products<Scalar>().swiglu(rows, d_ff_, projected, activated);
  } else {
    std::transform(projected, projected + rows * d_ff_, activated,
                   [](Scalar value) { return std::max(value, Scalar{0}); });
  }
}

template <class Scalar>
void ExpertBank<Scalar>::activate_backward(std::int64_t rows, const Scalar* activated_gradient,
                                           Scalar* projected) const {
  if (activation_ == Activation::kSwiglu) {
    products<Scalar>().swiglu_backward(rows, d_ff_, activated_gradient, projected);
  } else {
    std::transform(projected, projected + rows * d_ff_, activated_gradient, projected,
                   [](Scalar value, Scalar outer) { return value > 0 ? outer : Scalar{0}; });
  }
}

template <class Scalar>
void ExpertBank<Scalar>::run_expert(int expert, std::int64_t rows, const Scalar* input,
                                    Scalar* projected, Scalar* activated, Scalar* output) const {
  const auto& math = products<Scalar>();
  const Scalar* up = experts_[static_cast<std::size_t>(expert)].value.data();
  const Scalar* down = up + width_ * up_columns_;
  math.multiply(rows, up_columns_, width_, input, up, projected);
  activate(rows, projected, activated);
  math.multiply(rows, width_, d_ff_, activated, down, output);
}

template <class Scalar>
void ExpertBank<Scalar>::forward(const Matrix<Scalar>& hidden, const Matrix<Scalar>& gates,
                                 const Dispatch& dispatch, Matrix<Scalar>& output) {
  const std::int64_t rows = dispatch.offsets.back();
  input_.reshape(rows, width_);
  projected_.reshape(rows, up_columns_);
  activated_.reshape(rows, d_ff_);
  output_.reshape(rows, width_);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto entry = dispatch.entries[static_cast<std::size_t>(r)];
    std::copy_n(hidden.row(entry / gates.cols), width_, input_.row(r));
  }
  for (int i = 0; i < num_experts(); ++i) {
    const std::int64_t begin = dispatch.offsets[static_cast<std::size_t>(i)];
    const std::int64_t count = dispatch.offsets[static_cast<std::size_t>(i) + 1] - begin;
    if (count == 0) continue;
    run_expert(i, count, input_.row(begin), projected_.row(begin), activated_.row(begin),
               output_.row(begin));
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto entry = dispatch.entries[static_cast<std::size_t>(r)];
    const Scalar gate = gates.values[static_cast<std::size_t>(entry)];
    const Scalar* from = output_.row(r);
    Scalar* to = output.row(entry / gates.cols);
    for (std::int64_t j = 0; j < width_; ++j) to[j] += gate * from[j];
  }
}

template <class Scalar>
void ExpertBank<Scalar>::backward(const Matrix<Scalar>& output_gradient,
                                  const Matrix<Scalar>& gates, const Dispatch& dispatch,
                                  Matrix<Scalar>& gate_gradient, Matrix<Scalar>* hidden_gradient) {
  const auto& math = products<Scalar>();
  gate_gradient.reset(gates.rows, gates.cols);
  const std::int64_t rows = dispatch.offsets.back();
  // output_ becomes the gradient with respect to each expert's output.
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto entry = static_cast<std::size_t>(dispatch.entries[static_cast<std::size_t>(r)]);
    const Scalar gate = gates.values[entry];
    const Scalar* outer = output_gradient.row(static_cast<std::int64_t>(entry) / gates.cols);
    Scalar* own = output_.row(r);
    Scalar product = 0;
    for (std::int64_t j = 0; j < width_; ++j) {
      product += own[j] * outer[j];
      own[j] = gate * outer[j];
    }
    gate_gradient.values[entry] = product;
  }
  Matrix<Scalar> activated_gradient;
  Matrix<Scalar> input_gradient;
  for (int i = 0; i < num_experts(); ++i) {
    auto& block = experts_[static_cast<std::size_t>(i)];
    const std::int64_t begin = dispatch.offsets[static_cast<std::size_t>(i)];
    const std::int64_t count = dispatch.offsets[static_cast<std::size_t>(i) + 1] - begin;
    if (count == 0) {
      block.clear_gradient();
      continue;
    }
    const std::int64_t up_size = width_ * up_columns_;
    math.multiply_left_transposed(d_ff_, width_, count, activated_.row(begin), output_.row(begin),
                                  block.gradient.data() + up_size);
    activated_gradient.reshape(count, d_ff_);
    math.multiply_right_transposed(count, d_ff_, width_, output_.row(begin),
                                   block.value.data() + up_size, activated_gradient.data());
    activate_backward(count, activated_gradient.data(), projected_.row(begin));
    math.multiply_left_transposed(width_, up_columns_, count, input_.row(begin),
                                  projected_.row(begin), block.gradient.data());
    if (hidden_gradient == nullptr) continue;
    input_gradient.reshape(count, width_);
    math.multiply_right_transposed(count, width_, up_columns_, projected_.row(begin),
                                   block.value.data(), input_gradient.data());
    for (std::int64_t r = 0; r < count; ++r) {
      const auto entry = dispatch.entries[static_cast<std::size_t>(begin + r)];
      Scalar* to = hidden_gradient->row(entry / gates.cols);
      for (std::int64_t j = 0; j < width_; ++j) to[j] += input_gradient.at(r, j);
    }
  }
}

template <class Scalar>
void ExpertBank<Scalar>::apply(int expert, std::int64_t rows, const Scalar* input, Scalar* output) {
  projected_.reshape(rows, up_columns_);
  activated_.reshape(rows, d_ff_);
  run_expert(expert, rows, input, projected_.data(), activated_.data(), output);
}

template class ExpertBank<float>;
template class ExpertBank<double>;

}  // namespace hotexpert::training
