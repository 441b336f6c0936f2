#include <cuda_runtime_api.h>

#include <optional>

#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/grouped_product.hpp"
#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/cuda/side_streams.hpp"
#include "kernels/cuda/sm90/encode_tensor_map.hpp"
#include "kernels/cuda/sm90/grouped_gemm.hpp"

namespace hotexpert {
namespace {

/// One of the two products over all experts, in the form of every engine.
struct OwnProduct {
  GroupedProduct product;
  CUtensorMap x_map{};
  CUtensorMap weight_map{};
  CUtensorMap out_map{};
  unsigned long long* counter = nullptr;
};

class OwnProducts final : public ExpertProducts {
 public:
  OwnProducts(const LayerShape& shape, const PlanBuffers& plan, const DeviceWeights& weights)
      : dtype_(shape.dtype), choice_(plan.choice), rows_(plan.rows), table_(plan.table()) {
    const auto epilogue = epilogue_of(shape.activation);
    up_ = make(plan, plan.x, weights.in, plan.hidden, shape.d_model, shape.d_ff, in_columns(shape),
               epilogue, plan.counters.as<unsigned long long>());
    down_ = make(plan, plan.hidden, weights.down, plan.y, shape.d_ff, shape.d_model, shape.d_model,
                 Epilogue::kNone, plan.counters.as<unsigned long long>() + 1);
    if (choice_.strategy == CudaStrategy::kStreams) streams_.emplace(choice_.streams);
  }

  void enqueue(DeviceStream stream, const TraceBuffers& trace) override {
    if (rows_.buffer_rows() == 0) return;
    if (choice_.strategy == CudaStrategy::kGrouped || choice_.strategy == CudaStrategy::kPadded) {
      launch(up_, table_, trace.up, stream);
      launch(down_, table_, trace.down, stream);
      return;
    }
    if (streams_) streams_->fork(stream);
    int next = 0;
    for (std::size_t e = 0; e < rows_.experts.size(); ++e) {
      if (rows_.experts[e].computed == 0) continue;
      TileTable table = table_;
      table.order += e;
      table.tiles_before += e;
      table.num_experts = 1;
      const DeviceStream on = streams_ ? streams_->at(next++ % streams_->count()) : stream;
      launch(up_, table, nullptr, on);
      launch(down_, table, nullptr, on);
    }
    if (streams_) streams_->join(stream);
  }

 private:
  OwnProduct make(const PlanBuffers& plan, const DeviceBuffer& x, const DeviceBuffer& weights,
                  const DeviceBuffer& out, std::int64_t inner, std::int64_t columns,
                  std::int64_t weight_rows, Epilogue epilogue, unsigned long long* counter) {
    OwnProduct made;
    auto& p = made.product;
    p.x = x.data();
    p.weights = weights.data();
    p.out = out.data();
    p.columns = static_cast<int>(columns);
    p.inner = static_cast<int>(inner);
    p.weight_rows = static_cast<int>(weight_rows);
    p.column_tiles = column_tiles(choice_, columns, epilogue == Epilogue::kSwiglu);
    p.row_group = choice_.row_group;
    p.epilogue = epilogue;
    if (choice_.engine == CudaEngine::kSm90 && plan.rows.buffer_rows() > 0) {
      constexpr int kWeightBox = 128;
      made.x_map = sm90::encode_tensor_map(
          tensor_map_fields(plan.rows.buffer_rows(), inner, choice_.tile_rows), x.data());
      made.weight_map = sm90::encode_tensor_map(
          tensor_map_fields(plan.num_experts() * weight_rows, inner, kWeightBox), weights.data());
      made.out_map = sm90::encode_tensor_map(
          tensor_map_fields(plan.rows.buffer_rows(), columns, sm90::kWarpgroupRows), out.data());
    }
    if (choice_.order == TileOrder::kDynamic) made.counter = counter;
    return made;
  }

  void launch(const OwnProduct& own, const TileTable& table, TileRecord* records,
              DeviceStream stream) const {
    GroupedProduct p = own.product;
    p.table = table;
    switch (choice_.engine) {
      case CudaEngine::kSm90: {
        sm90::GroupedGemm gemm;
        gemm.table = table;
        gemm.counter = own.counter;
        gemm.out = p.out;
        gemm.columns = p.columns;
        gemm.inner = p.inner;
        gemm.weight_rows = p.weight_rows;
        gemm.column_tiles = p.column_tiles;
        gemm.row_group = (p.row_group + choice_.cluster - 1) / choice_.cluster;
        gemm.epilogue = p.epilogue;
        gemm.records = records;
        gemm.x_map = &own.x_map;
        gemm.weight_map = &own.weight_map;
        gemm.out_map = &own.out_map;
        const auto launch = records != nullptr     ? sm90::launch_grouped_traced
                            : choice_.cluster == 2 ? sm90::launch_grouped_cluster
                            : choice_.bulk_store   ? sm90::launch_grouped_bulk
                                                   : sm90::launch_grouped;
        check_cuda(launch(gemm, choice_.tile_rows, choice_.blocks, stream),
                   "starting grouped-sm90");
        return;
      }
      case CudaEngine::kMma:
        check_cuda(launch_grouped_mma(p, choice_.blocks, stream), "starting grouped-mma");
        return;
      case CudaEngine::kPlain:
      case CudaEngine::kCublas:
      case CudaEngine::kPlugin:
        check_cuda(launch_grouped_plain(p, dtype_, choice_.blocks, stream),
                   "starting grouped-plain");
        return;
    }
  }

  DataType dtype_;
  CudaKernelChoice choice_;
  const ExpertRows& rows_;
  TileTable table_;
  OwnProduct up_;
  OwnProduct down_;
  std::optional<SideStreams> streams_;
};

}  // namespace

std::unique_ptr<ExpertProducts> make_own_products(const LayerShape& shape, const PlanBuffers& plan,
                                                  const DeviceWeights& weights) {
  return std::make_unique<OwnProducts>(shape, plan, weights);
}

}  // namespace hotexpert
