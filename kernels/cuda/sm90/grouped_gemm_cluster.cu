#include "kernels/cuda/sm90/grouped_gemm.cuh"

namespace hotexpert::sm90 {

cudaError_t launch_grouped_cluster(const GroupedGemm& gemm, int tile_rows, int blocks,
                                   cudaStream_t stream) {
  return launch_tile_rows<Variant::kCluster>(gemm, tile_rows, blocks, stream);
}

}  // namespace hotexpert::sm90
