#include <algorithm>
#include <array>

#include "kernels/cpu/eigen_engine.hpp"
#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cpu/onednn_engine.hpp"
#include "kernels/cpu/plugin_kernel.hpp"
#include "kernels/cpu/reference_kernel.hpp"
#include "kernels/cpu/staged_kernel.hpp"
#include "kernels/cpu/staged_training.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kTileParams = {
    ParamSpec{"tile_rows", 256, 16, 4096, "most rows of a tile, the unit that threads share"}};

constexpr std::array kGroupedParams = {
    kTileParams[0],
    ParamSpec{"wgrad", 0, 0, 1,
              "weight gradients of hot experts: by one task a tile, or over parts of their rows",
              "plain|split"},
    ParamSpec{"split_rows", 0, 0, 1 << 30,
              "most rows of a part with wgrad=split; 0: twice the mean load, at least 512"}};

using Kernel = std::unique_ptr<CpuExpertKernel>;
using Training = std::unique_ptr<CpuTrainingKernel>;

template <Strategy strategy>
Kernel onednn(const LayerShape& shape, const NamedChoice& choice, int num_experts, int threads) {
  const auto rows = static_cast<int>(choice.get_integer("tile_rows"));
  return make_staged_kernel(strategy, shape, make_onednn_engine(shape, num_experts, rows, threads),
                            rows, threads);
}

template <Strategy strategy>
Training onednn_training(const LayerShape& shape, const NamedChoice& choice, int num_experts,
                         int threads) {
  std::int64_t split_rows = 0;
  if (strategy == Strategy::kGrouped && choice.get_word("wgrad") == "split") {
    split_rows = choice.get_integer("split_rows");
    if (split_rows == 0) split_rows = -1;
  }
  return make_staged_training(strategy, shape, num_experts,
                              static_cast<int>(choice.get_integer("tile_rows")), split_rows,
                              threads);
}

template <Strategy strategy>
Kernel eigen(const LayerShape& shape, const NamedChoice& choice, int num_experts, int threads) {
  const auto rows = static_cast<int>(choice.get_integer("tile_rows"));
  return make_staged_kernel(strategy, shape, make_eigen_engine(shape, num_experts, rows, threads),
                            rows, threads);
}

Kernel reference(const LayerShape& shape, const NamedChoice& /*choice*/, int num_experts,
                 int threads) {
  return make_reference_kernel(shape, num_experts, threads);
}

std::optional<std::string> always_supported(const LayerShape& /*shape*/) { return std::nullopt; }

using enum Strategy;
constexpr std::array kKernels = {
    CpuKernelRow{
        "reference", "plain loops in fp64, a row at a time", {}, always_supported, reference},
    CpuKernelRow{"loop", "oneDNN, one expert after another, each on all threads", kTileParams,
                 onednn_unsupported, onednn<kLoop>, onednn_training<kLoop>},
    CpuKernelRow{"padded", "oneDNN, every expert padded to capacity or to the largest load",
                 kTileParams, onednn_unsupported, onednn<kPadded>, onednn_training<kPadded>},
    CpuKernelRow{"grouped", "oneDNN, ragged experts at once, threads share their rows",
                 kGroupedParams, onednn_unsupported, onednn<kGrouped>, onednn_training<kGrouped>},
    CpuKernelRow{"eigen-loop", "as loop, with Eigen's products", kTileParams, eigen_unsupported,
                 eigen<kLoop>},
    CpuKernelRow{"eigen-padded", "as padded, with Eigen's products", kTileParams, eigen_unsupported,
                 eigen<kPadded>},
    CpuKernelRow{"eigen-grouped", "as grouped, with Eigen's products", kTileParams,
                 eigen_unsupported, eigen<kGrouped>},
};

constexpr std::string_view kFamily = "CPU kernel";

const CpuKernelRow& row_of(std::string_view kernel) {
  const auto name = choice_name(kernel);
  const auto row = std::ranges::find(kKernels, name, &CpuKernelRow::name);
  if (row == kKernels.end())
    throw UsageError(unknown_name_message(kFamily, name, with_plugin(row_names(kKernels))));
  return *row;
}

}  // namespace

std::span<const CpuKernelRow> cpu_kernels() { return kKernels; }

std::optional<std::string> cpu_kernel_unsupported(const LayerShape& shape, std::string_view kernel,
                                                  int num_experts, int threads) {
  if (is_plugin(kernel)) {
    const auto plugin = ExpertPlugin::load(kernel);
    return plugin.unsupported(plugin.layer(shape, num_experts, HOTEXPERT_ON_HOST, threads));
  }
  const auto& row = row_of(kernel);
  (void)NamedChoice::parse(kernel, row.params, kFamily);
  return row.unsupported(shape);
}

std::unique_ptr<CpuExpertKernel> make_cpu_kernel(const LayerShape& shape, std::string_view kernel,
                                                 int num_experts, int threads) {
  if (is_plugin(kernel))
    return make_plugin_kernel(shape, ExpertPlugin::load(kernel), num_experts, threads);
  const auto& row = row_of(kernel);
  return row.make(shape, NamedChoice::parse(kernel, row.params, kFamily), num_experts, threads);
}

std::unique_ptr<CpuTrainingKernel> make_cpu_training_kernel(const LayerShape& shape,
                                                            std::string_view kernel,
                                                            int num_experts, int threads) {
  if (is_plugin(kernel)) return nullptr;
  const auto& row = row_of(kernel);
  if (row.make_training == nullptr) return nullptr;
  return row.make_training(shape, NamedChoice::parse(kernel, row.params, kFamily), num_experts,
                           threads);
}

bool has_backward_pass(std::string_view kernel) {
  return !is_plugin(kernel) && row_of(kernel).make_training != nullptr;
}

}  // namespace hotexpert
