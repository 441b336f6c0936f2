#include <optional>

#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/backward_elements.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/own_product.hpp"
#include "kernels/cuda/side_streams.hpp"
#include "kernels/cuda/training_products.hpp"
#include "kernels/cuda/wgrad_product.hpp"

namespace hotexpert {
namespace {

class OwnTraining final : public TrainingProducts {
 public:
  OwnTraining(const LayerShape& shape, const TrainingBuffers& buffers,
              const TrainingWeights& weights)
      : shape_(shape), buffers_(buffers), choice_(buffers.plan.choice) {
    const auto& plan = buffers.plan;
    const std::int64_t columns = in_columns(shape);
    in_ = product(plan.x, weights.forward.in, buffers.kept, shape.d_model, columns);
    down_ = product(plan.hidden, weights.forward.down, plan.y, shape.d_ff, shape.d_model);
    d_hidden_ =
        product(buffers.d_y, weights.down_rows, buffers.d_hidden, shape.d_model, shape.d_ff);
    d_x_ = product(buffers.d_kept, weights.in_rows, buffers.d_x, columns, shape.d_model);
    d_in_ = gradient(buffers.d_kept, plan.x, weights.d_in, columns, shape.d_model);
    d_down_ = gradient(buffers.d_y, plan.hidden, weights.d_down, shape.d_model, shape.d_ff);
    if (choice_.strategy == CudaStrategy::kStreams) streams_.emplace(choice_.streams);
  }

  void forward(DeviceStream stream) override {
    each_table(stream,
               [&](const TileTable& table, DeviceStream on) { in_.launch(table, nullptr, on); });
    launch_activation(buffers_.kept.data(), shape_.dtype, epilogue_of(shape_.activation),
                      buffers_.plan.rows.buffer_rows(), shape_.d_ff, buffers_.plan.hidden.data(),
                      stream);
    each_table(stream,
               [&](const TileTable& table, DeviceStream on) { down_.launch(table, nullptr, on); });
  }

  void dgrad(DeviceStream stream) override {
    each_table(stream, [&](const TileTable& table, DeviceStream on) {
      d_hidden_.launch(table, nullptr, on);
    });
    launch_activation_backward(buffers_.kept.data(), buffers_.d_hidden.data(), shape_.dtype,
                               epilogue_of(shape_.activation), buffers_.plan.rows.buffer_rows(),
                               shape_.d_ff, buffers_.d_kept.data(), stream);
    each_table(stream,
               [&](const TileTable& table, DeviceStream on) { d_x_.launch(table, nullptr, on); });
  }

  void wgrad(DeviceStream stream) override {
    launch_wgrad_layout(buffers_.plan.num_experts(),
                        buffers_.plan.computed.as<const std::int32_t>(), buffers_.split_rows,
                        buffers_.order.as<std::int32_t>(), buffers_.parts_before.as<std::int32_t>(),
                        stream);
    for (const auto* product : {&d_in_, &d_down_}) {
      each_gradient(*product, stream);
      launch_wgrad_sums(*product, stream);
    }
  }

 private:
  OwnProduct product(const DeviceBuffer& x, const DeviceBuffer& weights, const DeviceBuffer& out,
                     std::int64_t inner, std::int64_t columns) const {
    return {choice_, shape_.dtype, buffers_.plan.num_experts(),
            ProductOperands{x.data(), weights.data(), out.data(), buffers_.plan.rows.buffer_rows(),
                            inner, columns, columns, Epilogue::kNone},
            nullptr};
  }
  WgradProduct gradient(const DeviceBuffer& left, const DeviceBuffer& right,
                        const DeviceBuffer& into, std::int64_t left_columns,
                        std::int64_t right_columns) const {
    WgradProduct made;
    made.table = buffers_.table();
    made.left = left.data();
    made.right = right.data();
    made.gradient = into.as<float>();
    made.slots = buffers_.num_slots > 0 ? buffers_.slots.as<float>() : nullptr;
    made.left_columns = static_cast<int>(left_columns);
    made.right_columns = static_cast<int>(right_columns);
    return made;
  }

  [[nodiscard]] bool at_once() const {
    return choice_.strategy == CudaStrategy::kGrouped || choice_.strategy == CudaStrategy::kPadded;
  }

  /// launch(table, stream) for all experts at once, or for one after another, perhaps spread over
  /// streams.
  template <class Launch>
  void each_table(DeviceStream stream, const Launch& launch) {
    const auto& rows = buffers_.plan.rows;
    if (rows.buffer_rows() == 0) return;
    const TileTable all = buffers_.plan.table();
    if (at_once()) {
      launch(all, stream);
      return;
    }
    each_expert(stream, [&](int e, DeviceStream on) {
      if (rows.experts[static_cast<std::size_t>(e)].computed == 0) return;
      TileTable table = all;
      table.order += e;
      table.tiles_before += e;
      table.num_experts = 1;
      launch(table, on);
    });
  }

  void each_gradient(const WgradProduct& product, DeviceStream stream) {
    const auto launch = [&](const WgradProduct& one, DeviceStream on) {
      if (choice_.engine == CudaEngine::kPlain) {
        check_cuda(launch_wgrad_plain(one, shape_.dtype, choice_.blocks, on),
                   "starting weight gradients");
      } else {
        check_cuda(launch_wgrad_mma(one, choice_.blocks, on), "starting weight gradients");
      }
    };
    if (product.table.num_experts == 0) return;
    if (at_once()) {
      launch(product, stream);
      return;
    }
    each_expert(stream, [&](int place, DeviceStream on) {
      WgradProduct one = product;
      one.table.order += place;
      one.table.parts_before += place;
      one.table.num_experts = 1;
      launch(one, on);
    });
  }

  template <class Run>
  void each_expert(DeviceStream stream, const Run& run) {
    if (streams_) streams_->fork(stream);
    for (int e = 0; e < buffers_.plan.num_experts(); ++e)
      run(e, streams_ ? streams_->at(e % streams_->count()) : stream);
    if (streams_) streams_->join(stream);
  }

  LayerShape shape_;
  const TrainingBuffers& buffers_;
  CudaKernelChoice choice_;
  OwnProduct in_, down_, d_hidden_, d_x_;
  WgradProduct d_in_, d_down_;
  std::optional<SideStreams> streams_;
};

}  // namespace

std::unique_ptr<TrainingProducts> make_own_training(const LayerShape& shape,
                                                    const TrainingBuffers& buffers,
                                                    const TrainingWeights& weights) {
  return std::make_unique<OwnTraining>(shape, buffers, weights);
}

}  // namespace hotexpert
