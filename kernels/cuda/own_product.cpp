#include "kernels/cuda/own_product.hpp"

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/cuda/sm90/encode_tensor_map.hpp"
#include "kernels/cuda/sm90/grouped_gemm.hpp"

namespace hotexpert {

OwnProduct::OwnProduct(const CudaKernelChoice& choice, DataType dtype, int num_experts,
                       const ProductOperands& operands, unsigned long long* counter)
    : choice_(choice), dtype_(dtype) {
  auto& p = product_;
  p.x = operands.x;
  p.weights = operands.weights;
  p.out = operands.out;
  p.columns = static_cast<int>(operands.columns);
  p.inner = static_cast<int>(operands.inner);
  p.weight_rows = static_cast<int>(operands.weight_rows);
  p.column_tiles = column_tiles(choice_, operands.columns, operands.epilogue == Epilogue::kSwiglu);
  p.row_group = choice_.row_group;
  p.epilogue = operands.epilogue;
  if (choice_.engine == CudaEngine::kSm90 && operands.buffer_rows > 0) {
    constexpr int kWeightBox = 128;
    x_map_ = sm90::encode_tensor_map(
        tensor_map_fields(operands.buffer_rows, operands.inner, choice_.tile_rows), operands.x);
    weight_map_ = sm90::encode_tensor_map(
        tensor_map_fields(num_experts * operands.weight_rows, operands.inner, kWeightBox),
        operands.weights);
    out_map_ = sm90::encode_tensor_map(
        tensor_map_fields(operands.buffer_rows, operands.columns, sm90::kWarpgroupRows),
        operands.out);
  }
  if (choice_.order == TileOrder::kDynamic) counter_ = counter;
}

void OwnProduct::launch(const TileTable& table, TileRecord* records, DeviceStream stream) const {
  GroupedProduct p = product_;
  p.table = table;
  switch (choice_.engine) {
    case CudaEngine::kSm90: {
      sm90::GroupedGemm gemm;
      gemm.table = table;
      gemm.counter = counter_;
      gemm.out = p.out;
      gemm.columns = p.columns;
      gemm.inner = p.inner;
      gemm.weight_rows = p.weight_rows;
      gemm.column_tiles = p.column_tiles;
      gemm.row_group = (p.row_group + choice_.cluster - 1) / choice_.cluster;
      gemm.epilogue = p.epilogue;
      gemm.records = records;
      gemm.x_map = &x_map_;
      gemm.weight_map = &weight_map_;
      gemm.out_map = &out_map_;
      const auto launch = records != nullptr     ? sm90::launch_grouped_traced
                          : choice_.cluster == 2 ? sm90::launch_grouped_cluster
                          : choice_.bulk_store   ? sm90::launch_grouped_bulk
                                                 : sm90::launch_grouped;
      check_cuda(launch(gemm, choice_.tile_rows, choice_.blocks, stream), "starting grouped-sm90");
      return;
    }
    case CudaEngine::kMma:
      check_cuda(launch_grouped_mma(p, choice_.blocks, stream), "starting grouped-mma");
      return;
    case CudaEngine::kPlain:
    case CudaEngine::kCublas:
    case CudaEngine::kPlugin:
      check_cuda(launch_grouped_plain(p, dtype_, choice_.blocks, stream), "starting grouped-plain");
      return;
  }
}

}  // namespace hotexpert
