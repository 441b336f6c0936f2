#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernels/column_blocks.hpp"
#include "kernels/cpu/training_kernel.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/tile_grid.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {

/// The expert part of a layer over one arrangement of rows, ready to run again and again.
class ExpertPass {
 public:
  virtual ~ExpertPass() = default;
  /// y[r] = expert of row r (x[r]), for every row that the kernel computes. Allocates nothing,
  /// creates no primitives.
  /// @param x rows in expert order, in the kernel's input_blocks()
  /// @param y [buffer rows, d_model] row-major, the layer's data type
  virtual void run(const RowsView& x, std::byte* y) = 0;
  /// run() that also writes when, and on which thread, each tile was computed. run() itself is
  /// another instance of the same code, without a clock in it.
  /// @param tiles overwritten; times are nanoseconds of std::chrono::steady_clock
  virtual void run_traced(const RowsView& x, std::byte* y, TileRecords& tiles) = 0;
};

/// One way to compute an expert layer on the CPU, holding the experts' weights in its own form.
class CpuExpertKernel {
 public:
  virtual ~CpuExpertKernel() = default;

  /// Where the kernel wants the rows of a plan, padding included.
  [[nodiscard]] virtual ExpertRows arrange(const DispatchPlan& plan) const = 0;
  /// How the columns of the input rows are to be stored.
  [[nodiscard]] virtual ColumnBlocks input_blocks() const = 0;
  /// Takes a copy of one expert's weights, packed as the kernel likes. Every expert's must be set
  /// before a pass runs.
  virtual void set_weights(int expert, const ExpertWeights& weights) = 0;
  /// Makes primitives and task lists for `rows`. The kernel must outlive the pass; passes of a
  /// kernel share its workspace, so they run one at a time.
  virtual std::unique_ptr<ExpertPass> prepare(const ExpertRows& rows) = 0;
  /// Bytes between input and output that prepare(rows) reserves.
  [[nodiscard]] virtual std::int64_t workspace_bytes(const ExpertRows& rows) const = 0;
  /// Fills the workspace with NaN, so that a value which a pass reads before writing shows.
  virtual void poison_workspace() = 0;
};

/// One row a kernel.
struct CpuKernelRow {
  std::string_view name;
  std::string_view summary;
  std::span<const ParamSpec> params;
  /// nullopt = yes; else why this kernel cannot run this shape on this processor, and what can.
  std::optional<std::string> (*unsupported)(const LayerShape& shape);
  /// @param num_experts physical experts and shared experts together
  std::unique_ptr<CpuExpertKernel> (*make)(const LayerShape& shape, const NamedChoice& choice,
                                           int num_experts, int threads);
  /// The kernel with its backward pass; nullptr where it has none.
  std::unique_ptr<CpuTrainingKernel> (*make_training)(const LayerShape& shape,
                                                      const NamedChoice& choice, int num_experts,
                                                      int threads) = nullptr;
};

/// reference; loop, padded, grouped on oneDNN; eigen-loop, eigen-padded, eigen-grouped.
std::span<const CpuKernelRow> cpu_kernels();

/// nullopt = yes; else why `kernel` cannot run this shape on this processor, and what can.
/// @param kernel a row's name with parameters inline, or plugin:PATH (kernels/plugin)
/// @throws UsageError for an unknown name or parameter, InputError for a plugin that is none
std::optional<std::string> cpu_kernel_unsupported(const LayerShape& shape, std::string_view kernel,
                                                  int num_experts, int threads);
/// The kernel so named, ready for its weights. @throws as cpu_kernel_unsupported()
std::unique_ptr<CpuExpertKernel> make_cpu_kernel(const LayerShape& shape, std::string_view kernel,
                                                 int num_experts, int threads);
/// Whether the kernel so named (a row's, or a plugin) computes gradients too.
bool has_backward_pass(std::string_view kernel);
/// The same kernel with its backward pass; nullptr where it has none.
std::unique_ptr<CpuTrainingKernel> make_cpu_training_kernel(const LayerShape& shape,
                                                            std::string_view kernel,
                                                            int num_experts, int threads);

}  // namespace hotexpert
