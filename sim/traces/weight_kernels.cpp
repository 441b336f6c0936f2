#include "sim/traces/weight_kernels.hpp"

#include "sim/traces/id_kernels.hpp"

namespace hotexpert {

// Defined by weight_loops.cpp, once for each instruction set.
extern const WeightKernels kWeightKernelsBaseline;
extern const WeightKernels kWeightKernelsAvx2;

const WeightKernels& weight_kernels() {
  return has_avx2() ? kWeightKernelsAvx2 : kWeightKernelsBaseline;
}
const WeightKernels& baseline_weight_kernels() { return kWeightKernelsBaseline; }

}  // namespace hotexpert
