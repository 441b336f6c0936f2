#include "kernels/cpu/onednn_engine.hpp"

#include <fmt/format.h>

#include "kernels/cpu/packed_gemm.hpp"
#include "kernels/cpu/tile_store.hpp"

namespace hotexpert {
namespace {

/// Widest blocks: 1,024 inner columns of 256 rows and 512 outer ones keep a product's operands in a
/// second-level cache of 1 to 2 MiB.
constexpr std::int64_t kInputBlock = 1024;
constexpr std::int64_t kHiddenBlock = 512;
constexpr std::int64_t kOutputBlock = 512;

class OnednnEngine final : public TileEngine {
 public:
  OnednnEngine(const LayerShape& shape, int num_experts, int max_rows, int threads)
      : shape_(shape),
        threads_(threads),
        input_(onednn_input_blocks(shape)),
        hidden_(onednn_hidden_blocks(shape)),
        output_(onednn_output_blocks(shape)),
        up_(input_, hidden_, shape.dtype, max_rows),
        down_(hidden_, output_, shape.dtype, max_rows),
        experts_(static_cast<std::size_t>(num_experts)) {
    const std::int64_t tile = max_rows * std::max(hidden_.width, output_.width) *
                              static_cast<std::int64_t>(sizeof(float));
    for (int t = 0; t < threads; ++t) {
      scratch_.push_back({AlignedBuffer(tile), AlignedBuffer(tile), PackedGemm::make_scratch()});
    }
  }

  ColumnBlocks input_blocks() const override { return input_; }
  ColumnBlocks hidden_blocks() const override { return hidden_; }
  ColumnBlocks output_blocks() const override { return output_; }

  void set_weights(int expert, const ExpertWeights& weights) override {
    auto& into = experts_[static_cast<std::size_t>(expert)];
    if (shape_.activation == Activation::kSwiglu) {
      into.gate = up_.pack(weights.gate.data(), threads_);
    }
    into.up = up_.pack(weights.up.data(), threads_);
    into.down = down_.pack(weights.down.data(), threads_);
  }

  void prepare(int rows) override {
    up_.prepare(rows);
    down_.prepare(rows);
    for (auto& scratch : scratch_) {
      scratch.gemm.memory.reserve(std::max(up_.scratch_bytes(), down_.scratch_bytes()));
    }
  }

  void up(int expert, int rows, const RowsView& x, std::int64_t block, const RowsBuffer& h,
          int thread) override {
    auto& scratch = scratch_[static_cast<std::size_t>(thread)];
    const auto& weights = experts_[static_cast<std::size_t>(expert)];
    float* values = scratch.values.as<float>();
    up_.run(rows, x, weights.up, block, values, scratch.gemm);
    float* gate = scratch.gate.as<float>();
    if (shape_.activation == Activation::kSwiglu) {
      up_.run(rows, x, weights.gate, block, gate, scratch.gemm);
    }
    const std::int64_t count = rows * hidden_.size(block);
    activate(shape_.activation, gate, values, count);
    store_tile(values, count, shape_.dtype, h.at(block));
  }

  void down(int expert, int rows, const RowsView& h, std::int64_t block, std::byte* y,
            int thread) override {
    auto& scratch = scratch_[static_cast<std::size_t>(thread)];
    float* values = scratch.values.as<float>();
    down_.run(rows, h, experts_[static_cast<std::size_t>(expert)].down, block, values,
              scratch.gemm);
    store_columns(values, rows, output_, block, shape_.dtype, y);
  }

 private:
  struct Expert {
    PackedGemm::Weights gate;
    PackedGemm::Weights up;
    PackedGemm::Weights down;
  };
  struct ThreadScratch {
    AlignedBuffer gate;
    AlignedBuffer values;
    PackedGemm::Scratch gemm;
  };

  LayerShape shape_;
  int threads_;
  ColumnBlocks input_;
  ColumnBlocks hidden_;
  ColumnBlocks output_;
  PackedGemm up_;
  PackedGemm down_;
  std::vector<Expert> experts_;
  std::vector<ThreadScratch> scratch_;  // [threads]
};

/// The products of the layer, made only to ask oneDNN about them.
PackedGemm probe(const LayerShape& shape) {
  constexpr int kProbeRows = 64;
  return {onednn_input_blocks(shape), onednn_hidden_blocks(shape), shape.dtype, kProbeRows};
}

}  // namespace

ColumnBlocks onednn_input_blocks(const LayerShape& shape) {
  return ColumnBlocks::split(shape.d_model, kInputBlock);
}
ColumnBlocks onednn_hidden_blocks(const LayerShape& shape) {
  return ColumnBlocks::split(shape.d_ff, kHiddenBlock);
}
ColumnBlocks onednn_output_blocks(const LayerShape& shape) {
  return ColumnBlocks::split(shape.d_model, kOutputBlock);
}

std::unique_ptr<TileEngine> make_onednn_engine(const LayerShape& shape, int num_experts,
                                               int max_rows, int threads) {
  return std::make_unique<OnednnEngine>(shape, num_experts, max_rows, threads);
}

std::optional<std::string> onednn_unsupported(const LayerShape& shape) {
  try {
    if (probe(shape).implementation().rfind("ref", 0) != 0) return std::nullopt;
  } catch (const dnnl::error&) {
    // Said below: oneDNN answers "unimplemented", whatever the cause.
  }
  return fmt::format(
      "oneDNN has no fast {} matrix product on this processor; use layer.dtype fp32, or kernel "
      "'reference'",
      name(shape.dtype));
}

std::string onednn_implementation(const LayerShape& shape) { return probe(shape).implementation(); }

}  // namespace hotexpert
