#pragma once

#include <cstdint>

namespace hotexpert {

/// c [rows, columns] (+)= a [rows, inner] · b [inner, columns] on one thread, fp32, row-major.
/// @param b_stride elements from one row of b to the next; a and c are dense
/// @param accumulate adds to c instead of replacing it
using EigenGemm = void(std::int64_t rows, std::int64_t inner, std::int64_t columns, const float* a,
                       const float* b, std::int64_t b_stride, float* c, bool accumulate);

// eigen_gemm.cpp, built once an instruction set (see CMakeLists.txt). Call only what runs here.
EigenGemm eigen_gemm_baseline;
EigenGemm eigen_gemm_avx2;
EigenGemm eigen_gemm_avx512;

/// The fastest of them that this processor runs.
EigenGemm* eigen_gemm();

}  // namespace hotexpert
