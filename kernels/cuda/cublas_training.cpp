#include <cuda_runtime_api.h>

#include <optional>
#include <vector>

#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/backward_elements.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cublas_products.hpp"
#include "kernels/cuda/side_streams.hpp"
#include "kernels/cuda/training_products.hpp"

namespace hotexpert {
namespace {

class CublasTraining final : public TrainingProducts {
 public:
  CublasTraining(const LayerShape& shape, const TrainingBuffers& buffers,
                 const TrainingWeights& weights, DeviceStream stream)
      : shape_(shape), buffers_(buffers), plan_(buffers.plan), weights_(weights) {
    blas_.push_back(std::make_unique<CublasProducts>(shape.dtype, stream));
    for (auto& addresses : addresses_)
      addresses = DeviceBuffer(3 * static_cast<std::int64_t>(sizeof(void*)) * plan_.num_experts());
    if (plan_.choice.strategy != CudaStrategy::kStreams) return;
    streams_.emplace(plan_.choice.streams);
    for (int i = 0; i < streams_->count(); ++i)
      blas_.push_back(std::make_unique<CublasProducts>(shape.dtype, streams_->at(i)));
  }

  void forward(DeviceStream stream) override {
    const std::int64_t columns = in_columns(shape_);
    rows_product({&plan_.x, &weights_.forward.in, &buffers_.kept, columns, shape_.d_model}, 0,
                 stream);
    launch_activation(buffers_.kept.data(), shape_.dtype, epilogue_of(shape_.activation),
                      plan_.rows.buffer_rows(), shape_.d_ff, plan_.hidden.data(), stream);
    rows_product({&plan_.hidden, &weights_.forward.down, &plan_.y, shape_.d_model, shape_.d_ff}, 1,
                 stream);
  }

  void dgrad(DeviceStream stream) override {
    rows_product(
        {&buffers_.d_y, &weights_.down_rows, &buffers_.d_hidden, shape_.d_ff, shape_.d_model}, 2,
        stream);
    launch_activation_backward(buffers_.kept.data(), buffers_.d_hidden.data(), shape_.dtype,
                               epilogue_of(shape_.activation), plan_.rows.buffer_rows(),
                               shape_.d_ff, buffers_.d_kept.data(), stream);
    rows_product(
        {&buffers_.d_kept, &weights_.in_rows, &buffers_.d_x, shape_.d_model, in_columns(shape_)}, 3,
        stream);
  }

  void wgrad(DeviceStream stream) override {
    gradient_product(
        {&buffers_.d_kept, &plan_.x, &weights_.d_in, in_columns(shape_), shape_.d_model}, stream);
    gradient_product({&buffers_.d_y, &plan_.hidden, &weights_.d_down, shape_.d_model, shape_.d_ff},
                     stream);
  }

 private:
  /// out [rows, columns] = x [rows, inner] · weights [columns, inner]^T of every expert.
  struct RowsProduct {
    const DeviceBuffer* x;
    const DeviceBuffer* weights;
    const DeviceBuffer* out;
    std::int64_t columns;
    std::int64_t inner;
  };
  /// out [left_columns, right_columns] = left^T · right over the rows of every expert, fp32.
  struct GradientProduct {
    const DeviceBuffer* left;
    const DeviceBuffer* right;
    const DeviceBuffer* out;
    std::int64_t left_columns;
    std::int64_t right_columns;
  };

  [[nodiscard]] std::byte* at(const DeviceBuffer& buffer, std::int64_t row,
                              std::int64_t columns) const {
    return buffer.as<std::byte>() + row * columns * bytes_per_element(shape_.dtype);
  }
  [[nodiscard]] DenseProduct of(const RowsProduct& p, std::size_t expert) const {
    const auto& segment = plan_.rows.experts[expert];
    return {at(*p.x, segment.first, p.inner),
            at(*p.weights, static_cast<std::int64_t>(expert) * p.columns, p.inner),
            at(*p.out, segment.first, p.columns),
            segment.computed,
            p.columns,
            p.inner};
  }
  [[nodiscard]] OuterProduct of(const GradientProduct& p, std::size_t expert) const {
    const auto& segment = plan_.rows.experts[expert];
    return {
        at(*p.left, segment.first, p.left_columns),
        at(*p.right, segment.first, p.right_columns),
        p.out->as<float>() + static_cast<std::int64_t>(expert) * p.left_columns * p.right_columns,
        segment.computed,
        p.left_columns,
        p.right_columns};
  }

  /// @param number of the product: its addresses on the device
  void rows_product(const RowsProduct& p, std::size_t number, DeviceStream stream) {
    if (plan_.choice.strategy == CudaStrategy::kLibrary ||
        plan_.choice.strategy == CudaStrategy::kGrouped) {
      std::vector<DenseProduct> products;
      for (std::size_t e = 0; e < plan_.rows.experts.size(); ++e) products.push_back(of(p, e));
      blas_.front()->run_grouped(products, addresses_[number]);
      return;
    }
    const auto padded = padded_experts();
    if (padded > 0) blas_.front()->run_strided(of(p, 0), static_cast<int>(padded));
    each_expert(padded, stream, [&](std::size_t e, CublasProducts& blas) { blas.run(of(p, e)); });
  }

  void gradient_product(const GradientProduct& p, DeviceStream stream) {
    const auto padded = padded_experts();
    if (padded > 0) blas_.front()->run_outer(of(p, 0), static_cast<int>(padded));
    each_expert(padded, stream,
                [&](std::size_t e, CublasProducts& blas) { blas.run_outer(of(p, e), 1); });
  }

  /// Experts that one strided call takes: the routed ones of `padded`.
  [[nodiscard]] std::size_t padded_experts() const {
    return plan_.choice.strategy == CudaStrategy::kPadded
               ? static_cast<std::size_t>(plan_.rules.padded_experts)
               : 0;
  }

  template <class Run>
  void each_expert(std::size_t first, DeviceStream stream, const Run& run) {
    if (streams_) streams_->fork(stream);
    for (std::size_t e = first; e < plan_.rows.experts.size(); ++e)
      run(e, *blas_[streams_ ? 1 + e % static_cast<std::size_t>(streams_->count()) : 0]);
    if (streams_) streams_->join(stream);
  }

  LayerShape shape_;
  const TrainingBuffers& buffers_;
  const PlanBuffers& plan_;
  const TrainingWeights& weights_;
  DeviceBuffer addresses_[4];
  std::optional<SideStreams> streams_;
  std::vector<std::unique_ptr<CublasProducts>> blas_;  ///< main stream, then the side streams
};

}  // namespace

std::unique_ptr<TrainingProducts> make_cublas_training(const LayerShape& shape,
                                                       const TrainingBuffers& buffers,
                                                       const TrainingWeights& weights,
                                                       DeviceStream stream) {
  return std::make_unique<CublasTraining>(shape, buffers, weights, stream);
}

}  // namespace hotexpert
