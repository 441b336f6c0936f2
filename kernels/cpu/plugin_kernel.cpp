#include "kernels/cpu/plugin_kernel.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

/// out [columns, rows] = in [rows, columns] transposed, block by block.
template <class Element>
void transpose(const Element* in, std::int64_t rows, std::int64_t columns, Element* out,
               int threads) {
  constexpr std::int64_t kBlock = 64;
  const std::int64_t strips = (columns + kBlock - 1) / kBlock;
  parallel_tasks(threads, strips, [&](std::int64_t strip, int) {
    const std::int64_t first = strip * kBlock;
    const std::int64_t end = std::min(columns, first + kBlock);
    for (std::int64_t row = 0; row < rows; row += kBlock) {
      const std::int64_t row_end = std::min(rows, row + kBlock);
      for (std::int64_t c = first; c < end; ++c)
        for (std::int64_t r = row; r < row_end; ++r) out[c * rows + r] = in[r * columns + c];
    }
  });
}

class PluginKernel final : public CpuExpertKernel {
 public:
  PluginKernel(const LayerShape& shape, ExpertPlugin plugin, int num_experts, int threads)
      : shape_(shape),
        plugin_(std::move(plugin)),
        layer_(plugin_.layer(shape, num_experts, HOTEXPERT_ON_HOST, threads)),
        in_(num_experts * layer_.in_columns * row_bytes(shape.d_model)),
        down_(num_experts * shape.d_model * row_bytes(shape.d_ff)) {
    layer_.w_in = in_.data();
    layer_.w_down = down_.data();
  }

  ExpertRows arrange(const DispatchPlan& plan) const override { return compact_rows(plan, shape_); }
  ColumnBlocks input_blocks() const override { return {shape_.d_model, shape_.d_model}; }

  void set_weights(int expert, const ExpertWeights& weights) override {
    std::byte* in = in_.data() + expert * layer_.in_columns * row_bytes(shape_.d_model);
    if (shape_.activation == Activation::kSwiglu) {
      put(weights.gate, shape_.d_model, shape_.d_ff, in);
      in += shape_.d_ff * row_bytes(shape_.d_model);
    }
    put(weights.up, shape_.d_model, shape_.d_ff, in);
    put(weights.down, shape_.d_ff, shape_.d_model,
        down_.data() + expert * shape_.d_model * row_bytes(shape_.d_ff));
  }

  std::unique_ptr<ExpertPass> prepare(const ExpertRows& rows) override;

  std::int64_t workspace_bytes(const ExpertRows& rows) const override {
    return rows.buffer_rows() * row_bytes(layer_.in_columns + shape_.d_ff);
  }
  void poison_workspace() override {
    scratch_in_.poison();
    scratch_hidden_.poison();
  }

  /// @param offsets [experts + 1]
  void run(const std::vector<std::int32_t>& offsets, const RowsView& x, std::byte* y) {
    hotexpert_batch batch{};
    batch.struct_bytes = sizeof(batch);
    batch.rows = offsets.back();
    batch.x = x.at(0);
    batch.y = y;
    batch.offsets = offsets.data();
    batch.host_offsets = offsets.data();
    batch.scratch_in = scratch_in_.data();
    batch.scratch_hidden = scratch_hidden_.data();
    if (batch.rows > 0) state_->run(batch);
  }

 private:
  [[nodiscard]] std::int64_t row_bytes(std::int64_t columns) const {
    return columns * bytes_per_element(shape_.dtype);
  }
  void put(const AlignedBuffer& matrix, std::int64_t rows, std::int64_t columns, std::byte* to) {
    void* out = to;
    if (shape_.dtype == DataType::kFp32) {
      transpose(matrix.as<float>(), rows, columns, static_cast<float*>(out), layer_.threads);
    } else {
      transpose(matrix.as<Bf16>(), rows, columns, static_cast<Bf16*>(out), layer_.threads);
    }
  }

  LayerShape shape_;
  ExpertPlugin plugin_;
  hotexpert_layer layer_;
  AlignedBuffer in_;              // [experts, in_columns, d_model]
  AlignedBuffer down_;            // [experts, d_model, d_ff]
  AlignedBuffer scratch_in_;      // [most rows, in_columns]
  AlignedBuffer scratch_hidden_;  // [most rows, d_ff]
  std::optional<PluginState> state_;
};

class PluginPass final : public ExpertPass {
 public:
  PluginPass(PluginKernel& kernel, const ExpertRows& rows) : kernel_(kernel), offsets_{0} {
    for (const auto& expert : rows.experts)
      offsets_.push_back(static_cast<std::int32_t>(expert.first + expert.used));
  }
  void run(const RowsView& x, std::byte* y) override { kernel_.run(offsets_, x, y); }
  void run_traced(const RowsView& x, std::byte* y, TileRecords& tiles) override {
    tiles = {};
    tiles.untraced = "A plugin records no tiles.";
    run(x, y);
  }

 private:
  PluginKernel& kernel_;
  std::vector<std::int32_t> offsets_;
};

std::unique_ptr<ExpertPass> PluginKernel::prepare(const ExpertRows& rows) {
  if (!state_) state_.emplace(plugin_, layer_);
  scratch_in_.reserve(std::max<std::int64_t>(1, rows.buffer_rows() * row_bytes(layer_.in_columns)));
  scratch_hidden_.reserve(std::max<std::int64_t>(1, rows.buffer_rows() * row_bytes(shape_.d_ff)));
  return std::make_unique<PluginPass>(*this, rows);
}

}  // namespace

std::unique_ptr<CpuExpertKernel> make_plugin_kernel(const LayerShape& shape, ExpertPlugin plugin,
                                                    int num_experts, int threads) {
  return std::make_unique<PluginKernel>(shape, std::move(plugin), num_experts, threads);
}

}  // namespace hotexpert
