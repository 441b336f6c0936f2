#pragma once

#include <cstdint>
#include <vector>

namespace hotexpert::training {

/// Constants of one AdamW step; the bias corrections are 1 / (1 - beta^t).
struct AdamwStep {
  double learning_rate = 0;
  double beta1 = 0;
  double beta2 = 0;
  double epsilon = 0;
  double weight_decay = 0;
  double correction1 = 1;
  double correction2 = 1;
};

/// The arithmetic the router lab spends its time in, as plain-pointer functions over row-major
/// matrices. Eigen computes the products, on the calling thread only, so results never depend on
/// the number of threads.
///
/// Arguments start at addresses of fixed alignment (AlignedVector): equal inputs then give equal
/// bytes.
/// The same source is compiled for the baseline instruction set, for AVX2 + FMA and for AVX-512,
/// and the processor decides once which to use: equal bytes are promised on one build and machine.
/// fp32 products run 4 to 6 times faster with AVX2 than with baseline SSE2, and twice that with
/// AVX-512.
template <class Scalar>
struct ProductKernels {
  /// C[m, n] = A[m, k] B[k, n]
  void (*multiply)(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a, const Scalar* b,
                   Scalar* c);
  /// C[m, n] = A[k, m]^T B[k, n]
  void (*multiply_left_transposed)(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a,
                                   const Scalar* b, Scalar* c);
  /// C[m, n] = A[m, k] B[n, k]^T
  void (*multiply_right_transposed)(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* a,
                                    const Scalar* b, Scalar* c);
  /// hidden[r, f] = silu(gate) * up, with gate_up[r, 2 f] = [gate | up] and silu(z) = z / (1 +
  /// e^-z)
  void (*swiglu)(std::int64_t rows, std::int64_t f, const Scalar* gate_up, Scalar* hidden);
  /// gate_up[r, 2 f] is replaced by the gradient with respect to it, given hidden_gradient[r, f].
  void (*swiglu_backward)(std::int64_t rows, std::int64_t f, const Scalar* hidden_gradient,
                          Scalar* gate_up);
  /// Sum of squares of n values.
  double (*squared_norm)(std::int64_t n, const Scalar* values);
  /// One AdamW step over n values (Loshchilov and Hutter 2019, algorithm 2).
  void (*adamw)(std::int64_t n, const AdamwStep& step, const Scalar* gradient, Scalar* first,
                Scalar* second, Scalar* value);
};

/// The fastest kernels this processor runs.
template <class Scalar>
const ProductKernels<Scalar>& products();
template <>
const ProductKernels<float>& products<float>();
template <>
const ProductKernels<double>& products<double>();

template <class Scalar>
struct ProductSet {
  const char* instruction_set;  ///< "avx512", "avx2", "baseline"
  const ProductKernels<Scalar>* kernels;
};
/// Every set that this processor runs, the fastest first.
template <class Scalar>
const std::vector<ProductSet<Scalar>>& runnable_products();
template <>
const std::vector<ProductSet<float>>& runnable_products<float>();
template <>
const std::vector<ProductSet<double>>& runnable_products<double>();

/// That of products(): part of a checkpoint, because fp32 bytes differ between them.
const char* products_instruction_set();

}  // namespace hotexpert::training
