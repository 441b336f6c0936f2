#include "kernels/cuda/sm90/instructions.cuh"

// The accumulator is read while a product may still write to it: ptxas then waits after each
// product, and says so only in its report.
__global__ void __launch_bounds__(128, 1) serialised(std::uint64_t a, std::uint64_t b, float* out) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  using namespace hotexpert::sm90;
  float acc[128] = {};
  product_fence();
  for (int step = 0; step < 4; ++step) {
    multiply_m64n256k16(acc, a + step, b + step, step);
    out[step] = acc[step];
  }
  product_commit();
  product_wait<0>();
  for (int i = 0; i < 128; ++i) out[128 * threadIdx.x + i] = acc[i];
#endif
}
