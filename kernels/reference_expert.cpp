#include "kernels/reference_expert.hpp"

#include <cmath>
#include <numbers>

#include "kernels/bfloat16.hpp"

namespace hotexpert {
namespace {

double activate(Activation activation, double z) {
  switch (activation) {
    case Activation::kSwiglu:
      return z / (1.0 + std::exp(-z));
    case Activation::kGelu:
      return 0.5 * z * (1.0 + std::erf(z / std::numbers::sqrt2));
    case Activation::kRelu:
      return z < 0.0 ? 0.0 : z;  // NaN passes
  }
  return 0.0;
}

/// row [inner] times matrix [inner, columns].
template <class Element, class Row>
std::vector<double> product(const Row* row, const Element* matrix, std::int64_t inner,
                            std::int64_t columns) {
  std::vector<double> sum(static_cast<std::size_t>(columns), 0.0);
  for (std::int64_t i = 0; i < inner; ++i) {
    const auto factor = static_cast<double>(row[i]);
    const Element* matrix_row = matrix + i * columns;
    for (std::int64_t j = 0; j < columns; ++j) {
      sum[static_cast<std::size_t>(j)] += factor * static_cast<double>(to_float(matrix_row[j]));
    }
  }
  return sum;
}

template <class Element>
std::vector<double> expert(const LayerShape& shape, const ExpertWeights& weights,
                           const std::byte* row) {
  const void* elements = row;
  std::vector<double> x;
  for (std::int64_t i = 0; i < shape.d_model; ++i) {
    x.push_back(static_cast<double>(to_float(static_cast<const Element*>(elements)[i])));
  }
  auto hidden = product(x.data(), weights.up.as<Element>(), shape.d_model, shape.d_ff);
  if (shape.activation == Activation::kSwiglu) {
    const auto gate = product(x.data(), weights.gate.as<Element>(), shape.d_model, shape.d_ff);
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      hidden[i] *= activate(shape.activation, gate[i]);
    }
  } else {
    for (auto& value : hidden) value = activate(shape.activation, value);
  }
  return product(hidden.data(), weights.down.as<Element>(), shape.d_ff, shape.d_model);
}

}  // namespace

std::vector<double> reference_expert(const LayerShape& shape, const ExpertWeights& weights,
                                     const std::byte* row) {
  return shape.dtype == DataType::kFp32 ? expert<float>(shape, weights, row)
                                        : expert<Bf16>(shape, weights, row);
}

}  // namespace hotexpert
