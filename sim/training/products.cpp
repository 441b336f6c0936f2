#include "sim/training/products.hpp"

namespace hotexpert::training {

// Defined by products_kernels.cpp, once for each instruction set.
extern const ProductKernels<float> kProductsBaselineFloat;
extern const ProductKernels<double> kProductsBaselineDouble;
extern const ProductKernels<float> kProductsAvx2Float;
extern const ProductKernels<double> kProductsAvx2Double;

namespace {

bool has_avx2() {
#if defined(__x86_64__)
  static const bool present = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return present;
#else
  return false;
#endif
}

}  // namespace

template <>
const ProductKernels<float>& products<float>() {
  return has_avx2() ? kProductsAvx2Float : kProductsBaselineFloat;
}

template <>
const ProductKernels<double>& products<double>() {
  return has_avx2() ? kProductsAvx2Double : kProductsBaselineDouble;
}

const char* products_instruction_set() { return has_avx2() ? "avx2" : "baseline"; }

}  // namespace hotexpert::training
