// Built once an instruction set, each time with HOTEXPERT_EIGEN_GEMM = the function's name and
// Eigen = a namespace of its own. Without that the linker would keep one copy of each of Eigen's
// templates, and a program built for AVX-512 inside would crash on a lesser processor.
#include "kernels/cpu/eigen_gemm.hpp"

#include <Eigen/Core>

namespace hotexpert {

void HOTEXPERT_EIGEN_GEMM(std::int64_t rows, std::int64_t inner, std::int64_t columns,
                          const float* a, const float* b, std::int64_t b_stride, float* c,
                          bool accumulate) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> left(a, rows, inner);
  const Eigen::Map<const Matrix, 0, Eigen::OuterStride<>> right(b, inner, columns,
                                                                Eigen::OuterStride<>(b_stride));
  Eigen::Map<Matrix> product(c, rows, columns);
  if (accumulate) {
    product.noalias() += left * right;
  } else {
    product.noalias() = left * right;
  }
}

}  // namespace hotexpert
