#include "kernels/cpu/reference_kernel.hpp"

#include <vector>

#include "kernels/cpu/tile_store.hpp"
#include "kernels/cpu/tile_tracer.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reference_expert.hpp"

namespace hotexpert {
namespace {

/// A buffer row and its expert: a tile of one row and all columns.
struct RowTask {
  int expert = 0;
  std::int64_t first_row = 0;
};

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

  /// @param tasks [buffer rows]
  template <class Tracer>
  void run(const std::vector<RowTask>& tasks, const RowsView& x, std::byte* y,
           const Tracer& tracer) const {
    parallel_tasks(threads_, std::ssize(tasks), [&](std::int64_t row, int thread) {
      const auto& task = tasks[static_cast<std::size_t>(row)];
      tracer.tile(row, task, 0, thread, [&] { compute(task, x, y); });
    });
  }

  [[nodiscard]] int threads() const { return threads_; }

 private:
  void compute(const RowTask& task, const RowsView& x, std::byte* y) const {
    const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
    const auto& weights = experts_[static_cast<std::size_t>(task.expert)];
    const auto result = reference_expert(shape_, weights, x.at(0, task.first_row));
    std::vector<float> rounded;
    for (const double value : result) rounded.push_back(static_cast<float>(value));
    store_tile(rounded.data(), shape_.d_model, shape_.dtype, y + task.first_row * row_bytes);
  }

  LayerShape shape_;
  int threads_;
  std::vector<ExpertWeights> experts_;
};

class ReferencePass final : public ExpertPass {
 public:
  ReferencePass(const ReferenceKernel& kernel, const ExpertRows& rows)
      : kernel_(kernel), tasks_(static_cast<std::size_t>(rows.buffer_rows())) {
    grid_.num_workers = kernel.threads();
    for (std::size_t expert = 0; expert < rows.experts.size(); ++expert) {
      const auto& segment = rows.experts[expert];
      for (auto row = segment.first; row < segment.first + segment.computed; ++row)
        tasks_[static_cast<std::size_t>(row)] = {static_cast<int>(expert), row};
      first_rows_.push_back(segment.first);
      grid_.token_rows.push_back(segment.used);
      grid_.computed_rows.push_back(segment.computed);
    }
  }
  void run(const RowsView& x, std::byte* y) override { kernel_.run(tasks_, x, y, NoTracer{}); }
  void run_traced(const RowsView& x, std::byte* y, TileRecords& tiles) override {
    tiles.grid = grid_;
    tiles.records.resize(tasks_.size());
    kernel_.run(tasks_, x, y, TileTracer(grid_, first_rows_, tiles.records));
  }

 private:
  const ReferenceKernel& kernel_;
  std::vector<RowTask> tasks_;
  TileGrid grid_;
  std::vector<std::int64_t> first_rows_;
};

std::unique_ptr<ExpertPass> ReferenceKernel::prepare(const ExpertRows& rows) {
  return std::make_unique<ReferencePass>(*this, rows);
}

}  // namespace

std::unique_ptr<CpuExpertKernel> make_reference_kernel(const LayerShape& shape, int num_experts,
                                                       int threads) {
  return std::make_unique<ReferenceKernel>(shape, num_experts, threads);
}

}  // namespace hotexpert
