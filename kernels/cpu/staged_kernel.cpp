#include "kernels/cpu/staged_kernel.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/cpu/tile_tracer.hpp"
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

  template <class Tracer>
  void run(const std::vector<Stage>& stages, const RowsView& x, std::byte* y, Tracer tracer) {
    for (const auto& stage : stages) run_stage(stage, x, y, tracer);
  }

 private:
  template <class Tracer>
  void run_stage(const Stage& stage, const RowsView& x, std::byte* y, Tracer& tracer);
  [[nodiscard]] TileGrid grid_of(const ExpertRows& rows) const;

  Strategy strategy_;
  LayerShape shape_;
  std::unique_ptr<TileEngine> engine_;
  int tile_rows_;
  int threads_;
  AlignedBuffer hidden_;  // [rows of a stage, d_ff] in the engine's hidden blocks
};

class StagedPass final : public ExpertPass {
 public:
  StagedPass(StagedKernel& kernel, std::vector<Stage> stages, TileGrid grid,
             std::vector<std::int64_t> first_rows)
      : kernel_(kernel),
        stages_(std::move(stages)),
        grid_(std::move(grid)),
        first_rows_(std::move(first_rows)) {
    for (const auto& stage : stages_) tiles_ += stage.up.size() + stage.down.size();
  }
  void run(const RowsView& x, std::byte* y) override { kernel_.run(stages_, x, y, NoTracer{}); }
  void run_traced(const RowsView& x, std::byte* y, TileRecords& tiles) override {
    tiles.grid = grid_;
    tiles.records.resize(tiles_);
    kernel_.run(stages_, x, y, TileTracer(grid_, first_rows_, tiles.records));
  }

 private:
  StagedKernel& kernel_;
  std::vector<Stage> stages_;
  TileGrid grid_;
  std::vector<std::int64_t> first_rows_;  // [P + S] first buffer row of each expert
  std::size_t tiles_ = 0;
};

std::unique_ptr<ExpertPass> StagedKernel::prepare(const ExpertRows& rows) {
  auto stages = make_stages(strategy_, rows, tile_rows_, engine_->hidden_blocks().count(),
                            engine_->output_blocks().count());
  for (const auto& stage : stages) {
    for (const auto& task : stage.up) engine_->prepare(task.rows);
  }
  hidden_.reserve(workspace_bytes(rows));
  std::vector<std::int64_t> first_rows;
  for (const auto& expert : rows.experts) first_rows.push_back(expert.first);
  return std::make_unique<StagedPass>(*this, std::move(stages), grid_of(rows),
                                      std::move(first_rows));
}

TileGrid StagedKernel::grid_of(const ExpertRows& rows) const {
  TileGrid grid;
  grid.num_workers = threads_;
  grid.rows_a_tile = tile_rows_;
  grid.column_tiles = engine_->hidden_blocks().count() + engine_->output_blocks().count();
  grid.computes_full_tiles = false;
  for (const auto& expert : rows.experts) {
    const auto counts = tile_row_counts(expert.computed, tile_rows_);
    grid.token_rows.push_back(expert.used);
    grid.computed_rows.push_back(expert.computed);
    grid.even_rows.push_back(counts.empty() ? tile_rows_ : counts.front());
  }
  return grid;
}

template <class Tracer>
void StagedKernel::run_stage(const Stage& stage, const RowsView& x, std::byte* y, Tracer& tracer) {
  const RowsBuffer hidden{hidden_.data(), stage.rows, engine_->hidden_blocks(), shape_.dtype};
  const RowsView hidden_view{hidden_.data(), stage.rows, engine_->hidden_blocks(), shape_.dtype};
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  parallel_tasks(threads_, std::ssize(stage.up), [&](std::int64_t index, int thread) {
    const auto& task = stage.up[static_cast<std::size_t>(index)];
    tracer.tile(index, task, task.block, thread, [&] {
      engine_->up(task.expert, task.rows, x.from(task.first_row), task.block,
                  hidden.from(task.first_row - stage.first_row), thread);
    });
  });
  tracer.advance(std::ssize(stage.up));
  const std::int64_t up_blocks = engine_->hidden_blocks().count();
  parallel_tasks(threads_, std::ssize(stage.down), [&](std::int64_t index, int thread) {
    const auto& task = stage.down[static_cast<std::size_t>(index)];
    tracer.tile(index, task, up_blocks + task.block, thread, [&] {
      engine_->down(task.expert, task.rows, hidden_view.from(task.first_row - stage.first_row),
                    task.block, y + task.first_row * row_bytes, thread);
    });
  });
  tracer.advance(std::ssize(stage.down));
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
