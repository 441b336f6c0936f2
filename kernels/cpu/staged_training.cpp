#include "kernels/cpu/staged_training.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cpu/onednn_training_engine.hpp"
#include "kernels/cpu/tile_tracer.hpp"
#include "kernels/cpu/vector_loops.hpp"
#include "kernels/cpu/wgrad_plan.hpp"
#include "kernels/parallel.hpp"

namespace hotexpert {
namespace {

constexpr std::array kMatrices = {WeightMatrix::kGate, WeightMatrix::kUp, WeightMatrix::kDown};

class StagedTraining final : public CpuTrainingKernel {
 public:
  StagedTraining(Strategy strategy, const LayerShape& shape, int num_experts, int tile_rows,
                 std::int64_t split_rows, int threads)
      : strategy_(strategy),
        shape_(shape),
        engine_(shape, num_experts, tile_rows, threads),
        tile_rows_(tile_rows),
        split_rows_(split_rows),
        threads_(threads) {
    for (const auto matrix : kMatrices) {
      const auto m = static_cast<std::size_t>(matrix);
      tile_elements_[m] = engine_.gradient_tiles(matrix);
      const std::int64_t elements = tile_elements_[m].empty() ? 0 : shape.d_model * shape.d_ff;
      gradients_[m].reserve(num_experts * elements * std::int64_t{sizeof(float)});
      for (const auto tile : tile_elements_[m]) largest_tile_ = std::max(largest_tile_, tile);
    }
  }

  ExpertRows arrange(const DispatchPlan& plan) const override {
    return strategy_ == Strategy::kPadded ? padded_rows(plan, shape_) : compact_rows(plan, shape_);
  }
  ColumnBlocks input_blocks() const override { return engine_.input_blocks(); }
  void set_weights(int expert, const ExpertWeights& weights) override {
    engine_.set_weights(expert, weights);
  }
  std::unique_ptr<TrainingPass> prepare(const ExpertRows& rows) override;
  void poison_workspace() override {
    for (auto& gradient : gradients_) gradient.poison();
    partials_.poison();
  }
  ExpertGradients gradients(int expert) const override {
    ExpertGradients out;
    const auto read = [&](WeightMatrix matrix, std::vector<float>& into) {
      if (!tile_elements_[static_cast<std::size_t>(matrix)].empty())
        into = engine_.row_major_gradient(matrix, gradient(expert, matrix));
    };
    read(WeightMatrix::kGate, out.gate);
    read(WeightMatrix::kUp, out.up);
    read(WeightMatrix::kDown, out.down);
    return out;
  }

  [[nodiscard]] const LayerShape& shape() const { return shape_; }
  [[nodiscard]] OnednnTrainingEngine& engine() { return engine_; }
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] float* partial(std::int64_t slot) {
    return partials_.as<float>() + slot * largest_tile_;
  }
  /// Where a tile of a gradient lies.
  [[nodiscard]] float* tile(int expert, WeightMatrix matrix, std::int64_t index) {
    const auto& tiles = tile_elements_[static_cast<std::size_t>(matrix)];
    float* at = gradients_[static_cast<std::size_t>(matrix)].as<float>() +
                expert * shape_.d_model * shape_.d_ff;
    for (std::int64_t before = 0; before < index; ++before)
      at += tiles[static_cast<std::size_t>(before)];
    return at;
  }

 private:
  [[nodiscard]] const float* gradient(int expert, WeightMatrix matrix) const {
    return gradients_[static_cast<std::size_t>(matrix)].as<float>() +
           expert * shape_.d_model * shape_.d_ff;
  }

  Strategy strategy_;
  LayerShape shape_;
  OnednnTrainingEngine engine_;
  int tile_rows_;
  std::int64_t split_rows_;
  int threads_;
  std::array<std::vector<std::int64_t>, kWeightMatrices> tile_elements_;
  std::array<AlignedBuffer, kWeightMatrices> gradients_;  // [experts][tiles], fp32
  std::int64_t largest_tile_ = 0;
  AlignedBuffer partials_;  // [slots, largest tile], fp32
};

class StagedTrainingPass final : public TrainingPass {
 public:
  StagedTrainingPass(StagedTraining& kernel, std::vector<Stage> stages, WgradPlan wgrad,
                     const ExpertRows& rows, int tile_rows)
      : kernel_(kernel), stages_(std::move(stages)), wgrad_(std::move(wgrad)) {
    const auto& shape = kernel.shape();
    const auto make = [&](AlignedBuffer& memory, bool wanted) {
      memory.reserve(wanted ? rows.buffer_rows() * shape.d_ff * bytes_per_element(shape.dtype) : 0);
      memory.poison();
      return RowsBuffer{memory.data(), rows.buffer_rows(), kernel.engine().hidden_blocks(),
                        shape.dtype};
    };
    const bool gated = shape.activation == Activation::kSwiglu;
    kept_ = {make(gate_, gated), make(up_, true), make(hidden_, true), make(d_gate_, gated),
             make(d_up_, true)};
    describe(rows, tile_rows);
  }

  void forward(const RowsView& x, std::byte* y) override {
    over_rows("forward", [&](auto& tracer, std::int64_t column) {
      const std::int64_t down = column + kernel_.engine().hidden_blocks().count();
      for (const auto& stage : stages_) {
        each(stage.up, tracer, column, [&](const TileTask& task, int thread) {
          kernel_.engine().up(task.expert, task.rows, x.from(task.first_row), task.block,
                              kept_.from(task.first_row), thread);
        });
        each(stage.down, tracer, down, [&](const TileTask& task, int thread) {
          kernel_.engine().down(task.expert, task.rows, kept_.from(task.first_row), task.block,
                                y + task.first_row * row_bytes(), thread);
        });
      }
    });
  }

  void dgrad(const RowsView& d_y, std::byte* d_x) override {
    over_rows("dgrad", [&](auto& tracer, std::int64_t column) {
      const std::int64_t input = column + kernel_.engine().hidden_blocks().count();
      for (const auto& stage : stages_) {
        each(stage.up, tracer, column, [&](const TileTask& task, int thread) {
          kernel_.engine().hidden_gradient(task.expert, task.rows, d_y.from(task.first_row),
                                           task.block, kept_.from(task.first_row), thread);
        });
        each(stage.down, tracer, input, [&](const TileTask& task, int thread) {
          kernel_.engine().input_gradient(task.expert, task.rows, kept_.from(task.first_row),
                                          task.block, d_x + task.first_row * row_bytes(), thread);
        });
      }
    });
  }

  void wgrad(const RowsView& x, const RowsView& d_y) override {
    traced({wgrad_band_, sum_band_}, [&](auto& tracer, std::int64_t column) {
      for (const auto& stage : wgrad_.stages) {
        each(stage.products, tracer, column, [&](const WgradTask& task, int thread) {
          float* into = task.partial < 0 ? kernel_.tile(task.expert, task.matrix, task.tile)
                                         : kernel_.partial(task.partial);
          kernel_.engine().weight_gradient(task.matrix, task.tile, task.rows,
                                           x.from(task.first_row), d_y.from(task.first_row),
                                           kept_.from(task.first_row), into, thread);
        });
        each(stage.sums, tracer, column + wgrad_.columns, [&](const WgradSum& sum, int /*thread*/) {
          float* into = kernel_.tile(sum.expert, sum.matrix, sum.tile);
          for (std::int64_t i = 0; i < sum.partials; ++i)
            add(kernel_.partial(sum.first_partial + i) + sum.begin, into + sum.begin,
                sum.end - sum.begin);
        });
      }
    });
  }

  void trace(TileRecords* tiles) override {
    tiles_ = tiles;
    if (tiles != nullptr) *tiles = {grid_, {}};
  }

 private:
  static std::int64_t column_of(const TileTask& task) { return task.block; }
  static std::int64_t column_of(const WgradTask& task) { return task.column; }
  static std::int64_t column_of(const WgradSum& task) { return task.column; }

  /// @param work (task, thread)
  template <class Task, class Tracer, class Work>
  void each(const std::vector<Task>& tasks, Tracer& tracer, std::int64_t first_column,
            const Work& work) const {
    parallel_tasks(kernel_.threads(), std::ssize(tasks), [&](std::int64_t index, int thread) {
      const auto& task = tasks[static_cast<std::size_t>(index)];
      tracer.tile(index, task, first_column + column_of(task), thread, [&] { work(task, thread); });
    });
    tracer.advance(std::ssize(tasks));
  }

  /// A pass over the row tiles of all experts.   @param run (tracer, its first column tile)
  template <class Run>
  void over_rows(const char* pass, const Run& run) {
    TileBand band = row_band_;
    band.pass = pass;
    traced({std::move(band)}, run);
  }

  /// @param bands of the pass, beside each other
  template <class Run>
  void traced(std::vector<TileBand> bands, const Run& run) {
    if (tiles_ == nullptr) {
      NoTracer none;
      run(none, 0);
      return;
    }
    auto& grid = tiles_->grid;
    const std::int64_t first_column = grid.column_tiles;
    std::size_t records = tiles_->records.size();
    for (auto& band : bands) {
      for (const auto rows : band.row_tiles)
        records += static_cast<std::size_t>(rows * band.column_tiles);
      grid.column_tiles += band.column_tiles;
      grid.bands.push_back(std::move(band));
    }
    const std::size_t done = tiles_->records.size();
    tiles_->records.resize(records);
    TileTracer tracer(grid, first_rows_, std::span(tiles_->records).subspan(done));
    run(tracer, first_column);
  }

  void describe(const ExpertRows& rows, int tile_rows) {
    grid_.num_workers = kernel_.threads();
    grid_.rows_a_tile = tile_rows;
    grid_.column_tiles = 0;
    grid_.computes_full_tiles = false;
    row_band_.column_tiles =
        kernel_.engine().hidden_blocks().count() + kernel_.engine().output_blocks().count();
    wgrad_band_ = {"wgrad", wgrad_.columns, wgrad_.parts, wgrad_.part_rows};
    sum_band_ = {"wgrad sums", wgrad_.sum_columns, {}, wgrad_.part_rows, false};
    for (std::size_t e = 0; e < rows.experts.size(); ++e) {
      const auto& expert = rows.experts[e];
      grid_.token_rows.push_back(expert.used);
      grid_.computed_rows.push_back(expert.computed);
      first_rows_.push_back(expert.first);
      const auto counts = tile_row_counts(expert.computed, tile_rows);
      row_band_.row_tiles.push_back(std::ssize(counts));
      row_band_.tile_rows.push_back(counts.empty() ? tile_rows : counts.front());
      sum_band_.row_tiles.push_back(wgrad_.parts[e] > 1 ? 1 : 0);
    }
  }
  [[nodiscard]] std::int64_t row_bytes() const {
    return kernel_.shape().d_model * bytes_per_element(kernel_.shape().dtype);
  }

  StagedTraining& kernel_;
  std::vector<Stage> stages_;
  WgradPlan wgrad_;
  AlignedBuffer gate_, up_, hidden_, d_gate_, d_up_;
  KeptRows kept_;
  TileRecords* tiles_ = nullptr;
  TileGrid grid_;      // without bands
  TileBand row_band_;  // of forward and of dgrad
  TileBand wgrad_band_, sum_band_;
  std::vector<std::int64_t> first_rows_;  // [P + S] first buffer row of each expert
};

std::unique_ptr<TrainingPass> StagedTraining::prepare(const ExpertRows& rows) {
  auto stages = make_stages(strategy_, rows, tile_rows_, engine_.hidden_blocks().count(),
                            engine_.output_blocks().count());
  for (const auto& stage : stages) {
    for (const auto& task : stage.up) engine_.prepare_tile(task.rows);
  }
  const std::int64_t split = split_rows_ < 0 ? automatic_split_rows(rows) : split_rows_;
  auto wgrad = plan_wgrad(strategy_, rows, tile_elements_, split);
  for (const auto& stage : wgrad.stages) {
    for (const auto& task : stage.products) engine_.prepare_gradient(task.rows);
  }
  partials_.reserve(wgrad.partials * largest_tile_ * std::int64_t{sizeof(float)});
  return std::make_unique<StagedTrainingPass>(*this, std::move(stages), std::move(wgrad), rows,
                                              tile_rows_);
}

}  // namespace

std::unique_ptr<CpuTrainingKernel> make_staged_training(Strategy strategy, const LayerShape& shape,
                                                        int num_experts, int tile_rows,
                                                        std::int64_t split_rows, int threads) {
  return std::make_unique<StagedTraining>(strategy, shape, num_experts, tile_rows, split_rows,
                                          threads);
}

}  // namespace hotexpert
