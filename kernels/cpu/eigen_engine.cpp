#include "kernels/cpu/eigen_engine.hpp"

#include <algorithm>
#include <vector>

#include "kernels/cpu/eigen_gemm.hpp"
#include "kernels/cpu/tile_store.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kBlock = 512;

class EigenEngine final : public TileEngine {
 public:
  EigenEngine(const LayerShape& shape, int num_experts, int max_rows, int threads)
      : shape_(shape),
        output_(ColumnBlocks::split(shape.d_model, kBlock)),
        hidden_(ColumnBlocks::split(shape.d_ff, kBlock)),
        experts_(static_cast<std::size_t>(num_experts)) {
    const std::int64_t tile = max_rows * std::max(hidden_.width, output_.width) *
                              static_cast<std::int64_t>(sizeof(float));
    for (int t = 0; t < threads; ++t) {
      scratch_.push_back({AlignedBuffer(tile), AlignedBuffer(tile)});
    }
  }

  ColumnBlocks input_blocks() const override { return {shape_.d_model, shape_.d_model}; }
  ColumnBlocks hidden_blocks() const override { return hidden_; }
  ColumnBlocks output_blocks() const override { return output_; }

  void set_weights(int expert, const ExpertWeights& weights) override {
    experts_[static_cast<std::size_t>(expert)] = {weights.gate.copy(), weights.up.copy(),
                                                  weights.down.copy()};
  }

  void prepare(int /*rows*/) override {}

  void up(int expert, int rows, const RowsView& x, std::int64_t block, const RowsBuffer& h,
          int thread) override {
    auto& scratch = scratch_[static_cast<std::size_t>(thread)];
    const auto& weights = experts_[static_cast<std::size_t>(expert)];
    const auto product = [&](const AlignedBuffer& matrix, float* into) {
      gemm_(rows, shape_.d_model, hidden_.size(block), elements(x.at(0)),
            matrix.as<float>() + hidden_.begin(block), shape_.d_ff, into, false);
    };
    product(weights.up, scratch.values.as<float>());
    if (shape_.activation == Activation::kSwiglu) product(weights.gate, scratch.gate.as<float>());
    const std::int64_t count = rows * hidden_.size(block);
    activate(shape_.activation, scratch.gate.as<float>(), scratch.values.as<float>(), count);
    store_tile(scratch.values.as<float>(), count, DataType::kFp32, h.at(block));
  }

  void down(int expert, int rows, const RowsView& h, std::int64_t block, std::byte* y,
            int thread) override {
    float* values = scratch_[static_cast<std::size_t>(thread)].values.as<float>();
    const float* matrix =
        experts_[static_cast<std::size_t>(expert)].down.as<float>() + output_.begin(block);
    for (std::int64_t k = 0; k < hidden_.count(); ++k) {
      gemm_(rows, hidden_.size(k), output_.size(block), elements(h.at(k)),
            matrix + hidden_.begin(k) * shape_.d_model, shape_.d_model, values, k > 0);
    }
    store_columns(values, rows, output_, block, DataType::kFp32, y);
  }

 private:
  struct ThreadScratch {
    AlignedBuffer gate;
    AlignedBuffer values;
  };

  static const float* elements(const std::byte* bytes) {
    const void* memory = bytes;
    return static_cast<const float*>(memory);
  }

  LayerShape shape_;
  ColumnBlocks output_;
  ColumnBlocks hidden_;
  EigenGemm* gemm_ = eigen_gemm();
  std::vector<ExpertWeights> experts_;
  std::vector<ThreadScratch> scratch_;  // [threads]
};

}  // namespace

EigenGemm* eigen_gemm() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    return eigen_gemm_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return eigen_gemm_avx2;
  return eigen_gemm_baseline;
}

std::unique_ptr<TileEngine> make_eigen_engine(const LayerShape& shape, int num_experts,
                                              int max_rows, int threads) {
  return std::make_unique<EigenEngine>(shape, num_experts, max_rows, threads);
}

std::optional<std::string> eigen_unsupported(const LayerShape& shape) {
  if (shape.dtype == DataType::kFp32) return std::nullopt;
  return "Eigen has no fast bf16 matrix product; use layer.dtype fp32, or kernel 'grouped'";
}

}  // namespace hotexpert
