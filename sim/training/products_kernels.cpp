// Compiled once for each instruction set. CMake sets HOTEXPERT_PRODUCTS to the suffix of the tables
// and renames the namespace `Eigen`, so that the linker can never merge an Eigen template compiled
// for AVX2 with the baseline's.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "sim/training/products.hpp"

#define HOTEXPERT_CONCAT_(a, b, c) a##b##c
#define HOTEXPERT_CONCAT(a, b, c) HOTEXPERT_CONCAT_(a, b, c)
#define HOTEXPERT_TABLE(scalar) HOTEXPERT_CONCAT(kProducts, HOTEXPERT_PRODUCTS, scalar)

namespace hotexpert::training {
namespace {

template <class Scalar>
using RowMajor = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Scalar>
using ConstMap = Eigen::Map<const RowMajor<Scalar>>;
template <class Scalar>
using MutableMap = Eigen::Map<RowMajor<Scalar>>;
template <class Scalar>
using ConstArray = Eigen::Map<const Eigen::Array<Scalar, Eigen::Dynamic, 1>>;
template <class Scalar>
using MutableArray = Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>;

template <class Scalar>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a, const Scalar* b,
              Scalar* c) {
  MutableMap<Scalar>(c, m, n).noalias() = ConstMap<Scalar>(a, m, k) * ConstMap<Scalar>(b, k, n);
}

template <class Scalar>
void multiply_left_transposed(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a,
                              const Scalar* b, Scalar* c) {
  MutableMap<Scalar>(c, m, n).noalias() =
      ConstMap<Scalar>(a, k, m).transpose() * ConstMap<Scalar>(b, k, n);
}

template <class Scalar>
void multiply_right_transposed(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a,
                               const Scalar* b, Scalar* c) {
  MutableMap<Scalar>(c, m, n).noalias() =
      ConstMap<Scalar>(a, m, k) * ConstMap<Scalar>(b, n, k).transpose();
}

template <class Scalar>
void swiglu(std::int64_t rows, std::int64_t f, const Scalar* gate_up, Scalar* hidden) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const ConstArray<Scalar> gate(gate_up + r * 2 * f, f);
    const ConstArray<Scalar> up(gate_up + r * 2 * f + f, f);
    MutableArray<Scalar>(hidden + r * f, f) = gate / (Scalar{1} + (-gate).exp()) * up;
  }
}

template <class Scalar>
void swiglu_backward(std::int64_t rows, std::int64_t f, const Scalar* hidden_gradient,
                     Scalar* gate_up) {
  Eigen::Array<Scalar, Eigen::Dynamic, 1> sigmoid(f);
  Eigen::Array<Scalar, Eigen::Dynamic, 1> gate_gradient(f);
  for (std::int64_t r = 0; r < rows; ++r) {
    MutableArray<Scalar> gate(gate_up + r * 2 * f, f);
    MutableArray<Scalar> up(gate_up + r * 2 * f + f, f);
    const ConstArray<Scalar> outer(hidden_gradient + r * f, f);
    sigmoid = Scalar{1} / (Scalar{1} + (-gate).exp());
    gate_gradient = outer * up * sigmoid * (Scalar{1} + gate * (Scalar{1} - sigmoid));
    up = outer * gate * sigmoid;
    gate = gate_gradient;
  }
}

/// Summed in Scalar inside a block, in double across blocks: as fast as one, nearly as exact as the
/// other.
template <class Scalar>
double squared_norm(std::int64_t n, const Scalar* values) {
  constexpr std::int64_t kBlock = 512;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const ConstArray<Scalar> block(values + begin, std::min(kBlock, n - begin));
    total += static_cast<double>(block.matrix().squaredNorm());
  }
  return total;
}

template <class Scalar>
void adamw(std::int64_t n, const AdamwStep& step, const Scalar* gradient, Scalar* first,
           Scalar* second, Scalar* value) {
  const auto beta1 = static_cast<Scalar>(step.beta1);
  const auto beta2 = static_cast<Scalar>(step.beta2);
  const auto rate = static_cast<Scalar>(step.learning_rate * step.correction1);
  const auto correction2 = static_cast<Scalar>(step.correction2);
  const auto epsilon = static_cast<Scalar>(step.epsilon);
  const auto keep = static_cast<Scalar>(1.0 - step.learning_rate * step.weight_decay);
  for (std::int64_t i = 0; i < n; ++i) {
    const Scalar g = gradient[i];
    first[i] = beta1 * first[i] + (Scalar{1} - beta1) * g;
    second[i] = beta2 * second[i] + (Scalar{1} - beta2) * g * g;
    value[i] = keep * value[i] - rate * first[i] / (std::sqrt(second[i] * correction2) + epsilon);
  }
}

template <class Scalar>
constexpr ProductKernels<Scalar> kTable = {
    multiply<Scalar>, multiply_left_transposed<Scalar>, multiply_right_transposed<Scalar>,
    swiglu<Scalar>,   swiglu_backward<Scalar>,          squared_norm<Scalar>,
    adamw<Scalar>};

}  // namespace

extern const ProductKernels<float> HOTEXPERT_TABLE(Float);
extern const ProductKernels<double> HOTEXPERT_TABLE(Double);
const ProductKernels<float> HOTEXPERT_TABLE(Float) = kTable<float>;
const ProductKernels<double> HOTEXPERT_TABLE(Double) = kTable<double>;

}  // namespace hotexpert::training
