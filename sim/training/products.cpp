#include "sim/training/products.hpp"

namespace hotexpert::training {

// Defined by products_kernels.cpp, once for each instruction set.
extern const ProductKernels<float> kProductsBaselineFloat;
extern const ProductKernels<double> kProductsBaselineDouble;
extern const ProductKernels<float> kProductsAvx2Float;
extern const ProductKernels<double> kProductsAvx2Double;
extern const ProductKernels<float> kProductsAvx512Float;
extern const ProductKernels<double> kProductsAvx512Double;

namespace {

#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#else
bool has_avx2() { return false; }
bool has_avx512() { return false; }
#endif

template <class Scalar>
std::vector<ProductSet<Scalar>> only_runnable(const ProductKernels<Scalar>& avx512,
                                              const ProductKernels<Scalar>& avx2,
                                              const ProductKernels<Scalar>& baseline) {
  std::vector<ProductSet<Scalar>> sets;
  if (has_avx512()) sets.push_back({"avx512", &avx512});
  if (has_avx2()) sets.push_back({"avx2", &avx2});
  sets.push_back({"baseline", &baseline});
  return sets;
}

}  // namespace

template <>
const std::vector<ProductSet<float>>& runnable_products() {
  static const auto sets =
      only_runnable(kProductsAvx512Float, kProductsAvx2Float, kProductsBaselineFloat);
  return sets;
}

template <>
const std::vector<ProductSet<double>>& runnable_products() {
  static const auto sets =
      only_runnable(kProductsAvx512Double, kProductsAvx2Double, kProductsBaselineDouble);
  return sets;
}

template <>
const ProductKernels<float>& products<float>() {
  return *runnable_products<float>().front().kernels;
}

template <>
const ProductKernels<double>& products<double>() {
  return *runnable_products<double>().front().kernels;
}

const char* products_instruction_set() {
  return runnable_products<float>().front().instruction_set;
}

}  // namespace hotexpert::training
