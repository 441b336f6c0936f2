#include <cuda_runtime_api.h>

#include <optional>

#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/own_product.hpp"
#include "kernels/cuda/side_streams.hpp"

namespace hotexpert {
namespace {

class OwnProducts final : public ExpertProducts {
 public:
  OwnProducts(const LayerShape& shape, const PlanBuffers& plan, const DeviceWeights& weights)
      : choice_(plan.choice), rows_(plan.rows), table_(plan.table()) {
    auto* counters = plan.counters.as<unsigned long long>();
    const std::int64_t rows = plan.rows.buffer_rows();
    up_ = OwnProduct(choice_, shape.dtype, plan.num_experts(),
                     {plan.x.data(), weights.in.data(), plan.hidden.data(), rows, shape.d_model,
                      shape.d_ff, in_columns(shape), epilogue_of(shape.activation)},
                     counters);
    down_ = OwnProduct(choice_, shape.dtype, plan.num_experts(),
                       {plan.hidden.data(), weights.down.data(), plan.y.data(), rows, shape.d_ff,
                        shape.d_model, shape.d_model, Epilogue::kNone},
                       counters + 1);
    if (choice_.strategy == CudaStrategy::kStreams) streams_.emplace(choice_.streams);
  }

  void enqueue(DeviceStream stream, const TraceBuffers& trace) override {
    if (rows_.buffer_rows() == 0) return;
    if (choice_.strategy == CudaStrategy::kGrouped || choice_.strategy == CudaStrategy::kPadded) {
      up_.launch(table_, trace.up, stream);
      down_.launch(table_, trace.down, stream);
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
      up_.launch(table, nullptr, on);
      down_.launch(table, nullptr, on);
    }
    if (streams_) streams_->join(stream);
  }

 private:
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
