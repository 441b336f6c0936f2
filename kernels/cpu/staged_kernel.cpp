#include "kernels/cpu/staged_kernel.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kRowsMultiple = 16;  // one AMX tile

void append_tiles(std::vector<TileTask>& tasks, int expert, const ExpertRows::Segment& segment,
                  int tile_rows, std::int64_t blocks) {
  const auto counts = tile_row_counts(segment.computed, tile_rows);
  for (std::int64_t block = 0; block < blocks; ++block) {
    std::int64_t row = segment.first;
    for (const int count : counts) {
      tasks.push_back({expert, count, row, block});
      row += count;
    }
  }
}

std::vector<int> by_falling_rows(const ExpertRows& rows) {
  std::vector<int> order(rows.experts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](int expert) {
    return rows.experts[static_cast<std::size_t>(expert)].computed;
  });
  return order;
}

class StagedKernel final : public CpuExpertKernel {
 public:
  StagedKernel(Strategy strategy, const LayerShape& shape, std::unique_ptr<TileEngine> engine,
               int tile_rows, int threads)
      : strategy_(strategy),
        shape_(shape),
        engine_(std::move(engine)),
        tile_rows_(tile_rows),
        threads_(threads) {}

  ExpertRows arrange(const DispatchPlan& plan) const override {
    return strategy_ == Strategy::kPadded ? padded_rows(plan, shape_) : compact_rows(plan, shape_);
  }
  ColumnBlocks input_blocks() const override { return engine_->input_blocks(); }
  void set_weights(int expert, const ExpertWeights& weights) override {
    engine_->set_weights(expert, weights);
  }
  std::unique_ptr<ExpertPass> prepare(const ExpertRows& rows) override;

  std::int64_t workspace_bytes(const ExpertRows& rows) const override {
    std::int64_t hidden_rows = rows.buffer_rows();
    if (strategy_ == Strategy::kLoop) {
      hidden_rows = 0;
      for (const auto& expert : rows.experts) hidden_rows = std::max(hidden_rows, expert.computed);
    }
    return hidden_rows * shape_.d_ff * bytes_per_element(shape_.dtype);
  }
  void poison_workspace() override { hidden_.poison(); }

  void run(const std::vector<Stage>& stages, const RowsView& x, std::byte* y) {
    for (const auto& stage : stages) run_stage(stage, x, y);
  }

 private:
  void run_stage(const Stage& stage, const RowsView& x, std::byte* y);

  Strategy strategy_;
  LayerShape shape_;
  std::unique_ptr<TileEngine> engine_;
  int tile_rows_;
  int threads_;
  AlignedBuffer hidden_;  // [rows of a stage, d_ff] in the engine's hidden blocks
};

class StagedPass final : public ExpertPass {
 public:
  StagedPass(StagedKernel& kernel, std::vector<Stage> stages)
      : kernel_(kernel), stages_(std::move(stages)) {}
  void run(const RowsView& x, std::byte* y) override { kernel_.run(stages_, x, y); }

 private:
  StagedKernel& kernel_;
  std::vector<Stage> stages_;
};

std::unique_ptr<ExpertPass> StagedKernel::prepare(const ExpertRows& rows) {
  auto stages = make_stages(strategy_, rows, tile_rows_, engine_->hidden_blocks().count(),
                            engine_->output_blocks().count());
  for (const auto& stage : stages) {
    for (const auto& task : stage.up) engine_->prepare(task.rows);
  }
  hidden_.reserve(workspace_bytes(rows));
  return std::make_unique<StagedPass>(*this, std::move(stages));
}

void StagedKernel::run_stage(const Stage& stage, const RowsView& x, std::byte* y) {
  const RowsBuffer hidden{hidden_.data(), stage.rows, engine_->hidden_blocks(), shape_.dtype};
  const RowsView hidden_view{hidden_.data(), stage.rows, engine_->hidden_blocks(), shape_.dtype};
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  parallel_tasks(threads_, std::ssize(stage.up), [&](std::int64_t index, int thread) {
    const auto& task = stage.up[static_cast<std::size_t>(index)];
    engine_->up(task.expert, task.rows, x.from(task.first_row), task.block,
                hidden.from(task.first_row - stage.first_row), thread);
  });
  parallel_tasks(threads_, std::ssize(stage.down), [&](std::int64_t index, int thread) {
    const auto& task = stage.down[static_cast<std::size_t>(index)];
    engine_->down(task.expert, task.rows, hidden_view.from(task.first_row - stage.first_row),
                  task.block, y + task.first_row * row_bytes, thread);
  });
}

}  // namespace

std::vector<int> tile_row_counts(std::int64_t rows, int tile_rows) {
  std::vector<int> counts;
  if (rows == 0) return counts;
  const std::int64_t tiles = (rows + tile_rows - 1) / tile_rows;
  const std::int64_t even = (rows + tiles - 1) / tiles;
  const std::int64_t each =
      std::min<std::int64_t>(tile_rows, (even + kRowsMultiple - 1) / kRowsMultiple * kRowsMultiple);
  for (std::int64_t done = 0; done < rows; done += each) {
    counts.push_back(static_cast<int>(std::min(each, rows - done)));
  }
  return counts;
}

std::vector<Stage> make_stages(Strategy strategy, const ExpertRows& rows, int tile_rows,
                               std::int64_t up_blocks, std::int64_t down_blocks) {
  std::vector<Stage> stages;
  const auto add = [&](Stage& stage, int expert) {
    const auto& segment = rows.experts[static_cast<std::size_t>(expert)];
    append_tiles(stage.up, expert, segment, tile_rows, up_blocks);
    append_tiles(stage.down, expert, segment, tile_rows, down_blocks);
  };
  if (strategy == Strategy::kLoop) {
    for (int expert = 0; expert < static_cast<int>(rows.experts.size()); ++expert) {
      const auto& segment = rows.experts[static_cast<std::size_t>(expert)];
      if (segment.computed == 0) continue;
      stages.push_back({segment.first, segment.computed, {}, {}});
      add(stages.back(), expert);
    }
    return stages;
  }
  stages.push_back({0, rows.buffer_rows(), {}, {}});
  for (const int expert : by_falling_rows(rows)) add(stages.back(), expert);
  return stages;
}

std::unique_ptr<CpuExpertKernel> make_staged_kernel(Strategy strategy, const LayerShape& shape,
                                                    std::unique_ptr<TileEngine> engine,
                                                    int tile_rows, int threads) {
  return std::make_unique<StagedKernel>(strategy, shape, std::move(engine), tile_rows, threads);
}

}  // namespace hotexpert
