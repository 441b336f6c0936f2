#include <cuda_runtime_api.h>

#include <optional>

#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cublas_products.hpp"
#include "kernels/cuda/expert_products.hpp"
#include "kernels/cuda/side_streams.hpp"

namespace hotexpert {
namespace {

class CublasExpertProducts final : public ExpertProducts {
 public:
  CublasExpertProducts(const LayerShape& shape, PlanBuffers& plan, const DeviceWeights& weights,
                       DeviceStream stream)
      : shape_(shape),
        plan_(plan),
        weights_(weights),
        element_(bytes_per_element(shape.dtype)),
        epilogue_(epilogue_of(shape.activation)),
        pointers_{address_array(plan), address_array(plan)} {
    products_.push_back(std::make_unique<CublasProducts>(shape.dtype, stream));
    if (plan.choice.strategy != CudaStrategy::kStreams) return;
    streams_.emplace(plan.choice.streams);
    for (int i = 0; i < streams_->count(); ++i)
      products_.push_back(std::make_unique<CublasProducts>(shape.dtype, streams_->at(i)));
  }

  void enqueue(DeviceStream stream, const TraceBuffers& /*trace*/) override {
    switch (plan_.choice.strategy) {
      case CudaStrategy::kPadded:
        enqueue_padded(stream);
        return;
      case CudaStrategy::kLibrary:
      case CudaStrategy::kGrouped:
        enqueue_grouped(stream);
        return;
      case CudaStrategy::kLoop:
      case CudaStrategy::kStreams:
        enqueue_loop(stream);
        return;
    }
  }

 private:
  static DeviceBuffer address_array(const PlanBuffers& plan) {
    return DeviceBuffer(3 * static_cast<std::int64_t>(sizeof(void*)) * plan.num_experts());
  }

  [[nodiscard]] std::byte* row_of(const DeviceBuffer& buffer, std::int64_t row,
                                  std::int64_t columns) const {
    return buffer.as<std::byte>() + row * columns * element_;
  }
  [[nodiscard]] DenseProduct up(std::size_t expert) const {
    const auto& segment = plan_.rows.experts[expert];
    const std::int64_t columns = in_columns(shape_);
    return {row_of(plan_.x, segment.first, shape_.d_model),
            row_of(weights_.in, static_cast<std::int64_t>(expert) * columns, shape_.d_model),
            row_of(plan_.stored, segment.first, columns),
            segment.computed,
            columns,
            shape_.d_model};
  }
  [[nodiscard]] DenseProduct down(std::size_t expert) const {
    const auto& segment = plan_.rows.experts[expert];
    return {row_of(plan_.hidden, segment.first, shape_.d_ff),
            row_of(weights_.down, static_cast<std::int64_t>(expert) * shape_.d_model, shape_.d_ff),
            row_of(plan_.y, segment.first, shape_.d_model),
            segment.computed,
            shape_.d_model,
            shape_.d_ff};
  }
  void activate(std::int64_t first, std::int64_t rows, DeviceStream stream) const {
    launch_activation(row_of(plan_.stored, first, in_columns(shape_)), shape_.dtype, epilogue_,
                      rows, shape_.d_ff, row_of(plan_.hidden, first, shape_.d_ff), stream);
  }

  void one_expert(std::size_t expert, CublasProducts& blas, DeviceStream stream) const {
    const auto& segment = plan_.rows.experts[expert];
    if (segment.computed == 0) return;
    blas.run(up(expert));
    activate(segment.first, segment.computed, stream);
    blas.run(down(expert));
  }

  void enqueue_loop(DeviceStream stream) {
    if (streams_) streams_->fork(stream);
    int next = 0;
    for (std::size_t e = 0; e < plan_.rows.experts.size(); ++e) {
      if (!streams_) {
        one_expert(e, *products_.front(), stream);
        continue;
      }
      const int i = next++ % streams_->count();
      one_expert(e, *products_[static_cast<std::size_t>(i + 1)], streams_->at(i));
    }
    if (streams_) streams_->join(stream);
  }

  void enqueue_padded(DeviceStream stream) {
    const int routed = plan_.rules.padded_experts;
    auto& blas = *products_.front();
    if (routed > 0) {
      blas.run_strided(up(0), routed);
      activate(0, std::int64_t{routed} * plan_.rules.padded_rows, stream);
      blas.run_strided(down(0), routed);
    }
    for (auto e = static_cast<std::size_t>(routed); e < plan_.rows.experts.size(); ++e)
      one_expert(e, blas, stream);
  }

  void enqueue_grouped(DeviceStream stream) {
    std::vector<DenseProduct> ups;
    std::vector<DenseProduct> downs;
    for (std::size_t e = 0; e < plan_.rows.experts.size(); ++e) {
      ups.push_back(up(e));
      downs.push_back(down(e));
    }
    products_.front()->run_grouped(ups, pointers_[0]);
    activate(0, plan_.rows.buffer_rows(), stream);
    products_.front()->run_grouped(downs, pointers_[1]);
  }

  LayerShape shape_;
  PlanBuffers& plan_;
  const DeviceWeights& weights_;
  std::int64_t element_;
  Epilogue epilogue_;
  DeviceBuffer pointers_[2];
  std::optional<SideStreams> streams_;
  std::vector<std::unique_ptr<CublasProducts>> products_;  ///< main stream, then the side streams
};

}  // namespace

std::unique_ptr<ExpertProducts> make_cublas_products(const LayerShape& shape, PlanBuffers& plan,
                                                     const DeviceWeights& weights,
                                                     DeviceStream stream) {
  return std::make_unique<CublasExpertProducts>(shape, plan, weights, stream);
}

}  // namespace hotexpert
