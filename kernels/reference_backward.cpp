#include "kernels/reference_backward.hpp"

#include <cmath>
#include <numbers>

#include "kernels/bfloat16.hpp"

namespace hotexpert {
namespace {

/// An activation and its derivative.
struct Activated {
  double value = 0;
  double slope = 0;
};

Activated activate_with_slope(Activation activation, double z) {
  switch (activation) {
    case Activation::kSwiglu: {
      const double sigmoid = 1.0 / (1.0 + std::exp(-z));
      return {z * sigmoid, sigmoid * (1.0 + z * (1.0 - sigmoid))};
    }
    case Activation::kGelu: {
      const double phi = 0.5 * (1.0 + std::erf(z / std::numbers::sqrt2));
      const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
      return {z * phi, phi + z * density};
    }
    case Activation::kRelu:
      return {z < 0.0 ? 0.0 : z, z > 0.0 ? 1.0 : 0.0};
  }
  return {};
}

/// Pre-activations are near 1 in size and summed in fp32 by kernels: within this of 0, their sign
/// is noise.
constexpr double kCorner = 0x1p-18;

template <class Element>
std::vector<double> numbers(const std::byte* row, std::int64_t count, double factor = 1.0) {
  const void* elements = row;
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(factor *
                     static_cast<double>(to_float(static_cast<const Element*>(elements)[i])));
  return values;
}

/// row [inner] times matrix [inner, columns].
template <class Element>
std::vector<double> product(const std::vector<double>& row, const AlignedBuffer& matrix,
                            std::int64_t columns) {
  std::vector<double> sum(static_cast<std::size_t>(columns), 0.0);
  const Element* element = matrix.as<Element>();
  for (const double factor : row) {
    for (double& value : sum) value += factor * static_cast<double>(to_float(*element++));
  }
  return sum;
}

/// row [columns] times the transpose of matrix [rows, columns], added to `sum` [rows].
template <class Element>
void add_transposed_product(const std::vector<double>& row, const AlignedBuffer& matrix,
                            std::vector<double>& sum) {
  const Element* element = matrix.as<Element>();
  for (double& value : sum) {
    for (const double factor : row) value += factor * static_cast<double>(to_float(*element++));
  }
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(double factor, const std::vector<double>& values, std::vector<double>& sum) {
  for (std::size_t i = 0; i < values.size(); ++i) sum[i] += factor * values[i];
}

/// What happens at one hidden value, forward and back.
struct Hidden {
  double value = 0;   ///< h
  double d_gate = 0;  ///< dL/da
  double d_up = 0;    ///< dL/du, or dL/dz
  bool at_corner = false;
};

/// @param a gate's pre-activation, SwiGLU only   @param u up's   @param d_h dL/dh
Hidden hidden(Activation activation, double a, double u, double d_h) {
  if (activation == Activation::kSwiglu) {
    const auto silu = activate_with_slope(activation, a);
    return {silu.value * u, d_h * u * silu.slope, d_h * silu.value, false};
  }
  const auto act = activate_with_slope(activation, u);
  const bool corner = activation == Activation::kRelu && std::abs(u) < kCorner;
  return {act.value, 0, d_h * act.slope, corner};
}

template <class Element>
RowGradient row_gradient(const LayerShape& shape, const ExpertWeights& weights,
                         const GradientRow& row) {
  const bool gated = shape.activation == Activation::kSwiglu;
  const auto x = numbers<Element>(row.x, shape.d_model);
  const auto d_out = numbers<Element>(row.d_out, shape.d_model);
  const auto d_y = numbers<Element>(row.d_out, shape.d_model, static_cast<double>(row.gate_weight));
  std::vector<double> a;
  if (gated) a = product<Element>(x, weights.gate, shape.d_ff);
  const auto u = product<Element>(x, weights.up, shape.d_ff);
  std::vector<double> d_h(u.size(), 0.0);
  add_transposed_product<Element>(d_y, weights.down, d_h);

  RowGradient gradient;
  std::vector<double> h(u.size());
  std::vector<double> d_gate(gated ? u.size() : 0);
  std::vector<double> d_up(u.size());
  for (std::size_t j = 0; j < u.size(); ++j) {
    const Hidden at = hidden(shape.activation, gated ? a[j] : 0.0, u[j], d_h[j]);
    h[j] = at.value;
    d_up[j] = at.d_up;
    if (gated) d_gate[j] = at.d_gate;
    gradient.at_corner = gradient.at_corner || at.at_corner;
  }
  gradient.x.assign(x.size(), 0.0);
  add_transposed_product<Element>(d_up, weights.up, gradient.x);
  if (gated) add_transposed_product<Element>(d_gate, weights.gate, gradient.x);
  gradient.gate_weight = dot(product<Element>(h, weights.down, shape.d_model), d_out);
  return gradient;
}

/// Column `column` of matrix [rows, columns].
template <class Element>
std::vector<double> column_of(const AlignedBuffer& matrix, std::int64_t rows, std::int64_t columns,
                              std::int64_t column) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows; ++i)
    values.push_back(static_cast<double>(to_float(matrix.as<Element>()[i * columns + column])));
  return values;
}

template <class Element>
ColumnGradient column_gradient(const LayerShape& shape, const ExpertWeights& weights,
                               std::span<const GradientRow> rows, std::int64_t column) {
  const bool gated = shape.activation == Activation::kSwiglu;
  std::vector<double> gate;
  if (gated) gate = column_of<Element>(weights.gate, shape.d_model, shape.d_ff, column);
  const auto up = column_of<Element>(weights.up, shape.d_model, shape.d_ff, column);
  const auto down = numbers<Element>(
      weights.down.data() + column * shape.d_model * bytes_per_element(shape.dtype), shape.d_model);

  ColumnGradient gradient;
  gradient.gate.assign(gate.size(), 0.0);
  gradient.up.assign(up.size(), 0.0);
  gradient.down.assign(down.size(), 0.0);
  for (const auto& row : rows) {
    const auto x = numbers<Element>(row.x, shape.d_model);
    const auto d_y =
        numbers<Element>(row.d_out, shape.d_model, static_cast<double>(row.gate_weight));
    const Hidden h =
        hidden(shape.activation, gated ? dot(x, gate) : 0.0, dot(x, up), dot(d_y, down));
    gradient.at_corner = gradient.at_corner || h.at_corner;
    if (gated) add_scaled(h.d_gate, x, gradient.gate);
    add_scaled(h.d_up, x, gradient.up);
    add_scaled(h.value, d_y, gradient.down);
  }
  return gradient;
}

}  // namespace

RowGradient reference_row_gradient(const LayerShape& shape, const ExpertWeights& weights,
                                   const GradientRow& row) {
  return shape.dtype == DataType::kFp32 ? row_gradient<float>(shape, weights, row)
                                        : row_gradient<Bf16>(shape, weights, row);
}

ColumnGradient reference_column_gradient(const LayerShape& shape, const ExpertWeights& weights,
                                         std::span<const GradientRow> rows, std::int64_t column) {
  return shape.dtype == DataType::kFp32 ? column_gradient<float>(shape, weights, rows, column)
                                        : column_gradient<Bf16>(shape, weights, rows, column);
}

}  // namespace hotexpert
