#include "kernels/cpu/reference_kernel.hpp"

#include <vector>

#include "kernels/cpu/tile_store.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reference_expert.hpp"

namespace hotexpert {
namespace {

class ReferenceKernel final : public CpuExpertKernel {
 public:
  ReferenceKernel(const LayerShape& shape, int num_experts, int threads)
      : shape_(shape), threads_(threads), experts_(static_cast<std::size_t>(num_experts)) {}

  ExpertRows arrange(const DispatchPlan& plan) const override { return compact_rows(plan, shape_); }
  ColumnBlocks input_blocks() const override { return {shape_.d_model, shape_.d_model}; }
  void set_weights(int expert, const ExpertWeights& weights) override {
    experts_[static_cast<std::size_t>(expert)] = {weights.gate.copy(), weights.up.copy(),
                                                  weights.down.copy()};
  }
  std::unique_ptr<ExpertPass> prepare(const ExpertRows& rows) override;
  std::int64_t workspace_bytes(const ExpertRows& /*rows*/) const override { return 0; }
  void poison_workspace() override {}

  /// @param expert_of_row [buffer rows]
  void run(const std::vector<int>& expert_of_row, const RowsView& x, std::byte* y) const {
    const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
    parallel_tasks(threads_, std::ssize(expert_of_row), [&](std::int64_t row, int) {
      const auto& weights =
          experts_[static_cast<std::size_t>(expert_of_row[static_cast<std::size_t>(row)])];
      const auto result = reference_expert(shape_, weights, x.at(0, row));
      std::vector<float> rounded;
      for (const double value : result) rounded.push_back(static_cast<float>(value));
      store_tile(rounded.data(), shape_.d_model, shape_.dtype, y + row * row_bytes);
    });
  }

 private:
  LayerShape shape_;
  int threads_;
  std::vector<ExpertWeights> experts_;
};

class ReferencePass final : public ExpertPass {
 public:
  ReferencePass(const ReferenceKernel& kernel, std::vector<int> expert_of_row)
      : kernel_(kernel), expert_of_row_(std::move(expert_of_row)) {}
  void run(const RowsView& x, std::byte* y) override { kernel_.run(expert_of_row_, x, y); }

 private:
  const ReferenceKernel& kernel_;
  std::vector<int> expert_of_row_;
};

std::unique_ptr<ExpertPass> ReferenceKernel::prepare(const ExpertRows& rows) {
  std::vector<int> expert_of_row(static_cast<std::size_t>(rows.buffer_rows()));
  for (std::size_t expert = 0; expert < rows.experts.size(); ++expert) {
    const auto& segment = rows.experts[expert];
    for (std::int64_t i = 0; i < segment.computed; ++i) {
      expert_of_row[static_cast<std::size_t>(segment.first + i)] = static_cast<int>(expert);
    }
  }
  return std::make_unique<ReferencePass>(*this, std::move(expert_of_row));
}

}  // namespace

std::unique_ptr<CpuExpertKernel> make_reference_kernel(const LayerShape& shape, int num_experts,
                                                       int threads) {
  return std::make_unique<ReferenceKernel>(shape, num_experts, threads);
}

}  // namespace hotexpert
