#include "kernels/cuda/plan/cuda_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/cuda/plan/grouped_sm90_plan.hpp"
#include "kernels/plugin/expert_plugin.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr ParamSpec kOrder{"order", 0, 0, 2, "order of tiles", "expert|hot-first|dynamic"};
constexpr ParamSpec kStaticOrder{"order", 0, 0, 1, "order of tiles", "expert|hot-first"};
constexpr ParamSpec kTile{"tile_rows", 0, 0, 2, "rows of a tile", "auto|64|128"};
constexpr ParamSpec kCluster{
    "cluster", 1, 1, 2,
    "blocks that share the weights of a tile; 2 keeps order=expert or hot-first"};
constexpr ParamSpec kStore{
    "store", 0, 0, 1, "how results leave: by threads, or by the copy engine", "direct|bulk"};
constexpr ParamSpec kGroup{"row_group", 8, 1, 64, "row tiles that share a column tile of weights"};
constexpr ParamSpec kLaunch{"launch",     0, 0, 1, "the step as one CUDA graph, or launches",
                            "graph|eager"};
constexpr ParamSpec kCache{"cache", 0, 0, 2, "what L2 holds before a step", "hot|cold|steady"};
constexpr ParamSpec kLayers{"layers", 4, 2, 16, "layers of a step with cache=steady"};
constexpr ParamSpec kGemm{"gemm", 0, 0, 1, "what multiplies", "cublas|own"};
constexpr ParamSpec kStreamCount{"streams", 8, 2, 32, "streams that experts are spread over"};

constexpr ParamSpec kWgrad{
    "wgrad",
    0,
    0,
    1,
    "weight gradients of hot experts in one piece, or over parts of their rows",
    "plain|split"};
constexpr ParamSpec kSplitRows{
    "split_rows", 0, 0, 1 << 30,
    "most rows of a part with wgrad=split, rounded up to 16; 0: twice the mean load, at least 512"};

constexpr std::array kSm90Params = {kOrder,  kTile,  kCluster, kStore, kGroup,
                                    kLaunch, kCache, kLayers,  kWgrad, kSplitRows};
constexpr std::array kStaticParams = {kStaticOrder, kGroup, kLaunch,   kCache,
                                      kLayers,      kWgrad, kSplitRows};
constexpr std::array kLibraryParams = {kCache, kLayers};
constexpr std::array kPaddedParams = {kGemm, kGroup, kLaunch, kCache, kLayers};
constexpr std::array kStreamParams = {kGemm, kStreamCount, kGroup, kLaunch, kCache, kLayers};

constexpr std::string_view kEveryPass = "forward|backward|training";

using enum CudaStrategy;
constexpr std::array kKernels = {
    CudaKernelRow{"grouped", "the best grouped kernel for the device (--explain says which)",
                  kSm90Params, kGrouped, std::nullopt, kEveryPass},
    CudaKernelRow{"grouped-sm90", "Hopper: copy engine and wgmma, persistent, one launch a product",
                  kSm90Params, kGrouped, CudaEngine::kSm90, kEveryPass},
    CudaKernelRow{"grouped-mma", "sm_80 and up: cp.async and mma.sync, persistent", kStaticParams,
                  kGrouped, CudaEngine::kMma, kEveryPass},
    CudaKernelRow{"grouped-plain", "plain multiply-adds, bf16 or fp32: the slow twin",
                  kStaticParams, kGrouped, CudaEngine::kPlain, kEveryPass},
    CudaKernelRow{"grouped-cublas", "cublasGemmGroupedBatchedEx; the host waits for the sizes",
                  kLibraryParams, kLibrary, CudaEngine::kCublas, kEveryPass},
    CudaKernelRow{"padded", "one strided batch, every expert padded to capacity or largest load",
                  kPaddedParams, kPadded, std::nullopt, kEveryPass},
    CudaKernelRow{"loop", "one launch an expert, after another; eager launches wait for the sizes",
                  kPaddedParams, kLoop, std::nullopt, kEveryPass},
    CudaKernelRow{"streams", "as loop, spread over streams", kStreamParams, kStreams, std::nullopt,
                  kEveryPass},
};

const CudaKernelRow& row_of(std::string_view kernel) {
  const auto name = choice_name(kernel);
  const auto row = std::ranges::find(kKernels, name, &CudaKernelRow::name);
  if (row == kKernels.end())
    throw UsageError(unknown_name_message("CUDA kernel", name, with_plugin(row_names(kKernels))));
  return *row;
}

bool has(const CudaKernelRow& row, std::string_view param) {
  for (const auto& spec : row.params)
    if (spec.name == param) return true;
  return false;
}

CudaEngine best_engine(const LayerShape& shape, const CudaDevice& device) {
  if (shape.dtype == DataType::kFp32) return CudaEngine::kPlain;
  return device.has_sm90() ? CudaEngine::kSm90 : CudaEngine::kMma;
}

CudaEngine engine_of(const CudaKernelRow& row, const NamedChoice& choice, const LayerShape& shape,
                     const CudaDevice& device) {
  if (row.engine) return *row.engine;
  if (has(row, "gemm") && choice.get_word("gemm") == "cublas") return CudaEngine::kCublas;
  return best_engine(shape, device);
}

/// Rows of a tile of grouped-sm90. At up to 64 rows an expert time goes into reading weights, and
/// tall tiles only compute padding; above, a tall tile reads the weights once for twice the rows.
int sm90_tile_rows(double mean_rows) { return mean_rows <= 64 ? 64 : 128; }

void set_tiles(const LayerShape& shape, const NamedChoice& parsed, const CudaKernelRow& row,
               std::int64_t tokens, const CudaDevice& device, CudaKernelChoice& choice) {
  const double mean = static_cast<double>(tokens) * shape.top_k / shape.num_experts;
  switch (choice.engine) {
    case CudaEngine::kSm90: {
      const bool given = has(row, "tile_rows") && parsed.get_word("tile_rows") != "auto";
      choice.tile_rows =
          given ? (parsed.get_word("tile_rows") == "64" ? 64 : 128) : sm90_tile_rows(mean);
      choice.tile_columns = sm90::kTileColumns;
      choice.blocks = device.multiprocessors;
      choice.reason =
          fmt::format("bf16 on compute capability 9.0; {:.1f} rows an expert on average, {}", mean,
                      given ? "tile rows as asked"
                            : (choice.tile_rows == 64 ? "so reading weights bounds it: 64-row tiles"
                                                      : "so arithmetic bounds it: 128-row tiles"));
      return;
    }
    case CudaEngine::kMma:
      choice.tile_rows = 128;
      choice.tile_columns = 128;
      choice.blocks = device.multiprocessors;
      choice.reason = "bf16 without Hopper's tensor cores: mma.sync, 128 x 128 tiles";
      return;
    case CudaEngine::kPlain:
      choice.tile_rows = 64;
      choice.tile_columns = 64;
      choice.blocks = 4 * device.multiprocessors;
      choice.reason =
          shape.dtype == DataType::kFp32 ? "fp32: multiply-adds, no tensor cores" : "as asked";
      return;
    case CudaEngine::kCublas:
      choice.tile_rows = 1;  // the tile table counts rows
      choice.tile_columns = 1;
      choice.reason = "the library chooses";
      return;
    case CudaEngine::kPlugin:
      return;  // never of a row
  }
}

/// What the plugin's flags say: who knows the sizes, and whether its launches can be captured.
CudaKernelChoice choose_plugin(std::string_view kernel) {
  const auto plugin = ExpertPlugin::load(kernel);
  const bool waits = plugin.has(HOTEXPERT_NEEDS_HOST_OFFSETS);
  CudaKernelChoice choice;
  choice.strategy = waits ? CudaStrategy::kLibrary : CudaStrategy::kGrouped;
  choice.engine = CudaEngine::kPlugin;
  choice.tile_rows = 1;  // the tile table counts rows
  choice.tile_columns = 1;
  choice.graph = plugin.has(HOTEXPERT_CAPTURABLE) && !waits;
  choice.plugin = kernel;
  choice.reason = fmt::format("{}: {}; {}", plugin.label(), plugin.summary(),
                              waits          ? "the host waits for its sizes"
                              : choice.graph ? "the step is one CUDA graph"
                                             : "launched step by step");
  return choice;
}

}  // namespace

std::string_view name(CudaEngine engine) {
  switch (engine) {
    case CudaEngine::kSm90:
      return "sm90";
    case CudaEngine::kMma:
      return "mma";
    case CudaEngine::kPlain:
      return "plain";
    case CudaEngine::kCublas:
      return "cublas";
    case CudaEngine::kPlugin:
      return "plugin";
  }
  return "";
}

std::span<const CudaKernelRow> cuda_kernels() { return kKernels; }

std::optional<std::string> cuda_unsupported(const LayerShape& shape, std::string_view kernel,
                                            const CudaDevice& device) {
  if (device.major < 8)
    return fmt::format("CUDA kernels are built for compute capability 8.0 and up; '{}' has {}.{}",
                       device.name, device.major, device.minor);
  // Rows move in pieces of 16 bytes.
  const std::int64_t values = 16 / bytes_per_element(shape.dtype);
  if (shape.d_model % values != 0 || shape.d_ff % values != 0)
    return fmt::format("d_model {} and d_ff {} must be multiples of {} on a CUDA device",
                       shape.d_model, shape.d_ff, values);
  constexpr int kMostExperts = 2048;
  if (shape.num_experts + shape.num_shared_experts > kMostExperts)
    return fmt::format("{} experts are more than the {} that routing on a device takes",
                       shape.num_experts + shape.num_shared_experts, kMostExperts);
  if (is_plugin(kernel)) {
    const auto plugin = ExpertPlugin::load(kernel);
    return plugin.unsupported(
        plugin.layer(shape, shape.num_experts + shape.num_shared_experts, HOTEXPERT_ON_CUDA, 1));
  }
  const auto& row = row_of(kernel);
  const auto parsed = NamedChoice::parse(kernel, row.params, "CUDA kernel");
  const auto engine = engine_of(row, parsed, shape, device);
  if (engine == CudaEngine::kSm90 && !device.has_sm90())
    return fmt::format("'{}' needs compute capability 9.0; '{}' has {}.{}: use grouped-mma",
                       row.name, device.name, device.major, device.minor);
  if (has(row, "store") && parsed.get_integer("cluster") == 2 && parsed.get_word("store") == "bulk")
    return fmt::format("'{}' has cluster=2 or store=bulk, not both; leave one out", row.name);
  if (has(row, "cluster") && parsed.get_integer("cluster") == 2 &&
      parsed.get_word("order") == "dynamic")
    return fmt::format("'{}' with cluster=2 has a static order; leave order=dynamic out", row.name);
  if ((engine == CudaEngine::kSm90 || engine == CudaEngine::kMma) && shape.dtype != DataType::kBf16)
    return fmt::format("'{}' computes bf16 only: set layer.dtype = bf16, or use grouped-plain",
                       row.name);
  return std::nullopt;
}

CudaKernelChoice choose_cuda_kernel(const LayerShape& shape, std::string_view kernel,
                                    std::int64_t tokens, const CudaDevice& device) {
  if (is_plugin(kernel)) return choose_plugin(kernel);
  const auto& row = row_of(kernel);
  const auto parsed = NamedChoice::parse(kernel, row.params, "CUDA kernel");
  CudaKernelChoice choice;
  choice.strategy = row.strategy;
  choice.engine = engine_of(row, parsed, shape, device);
  set_tiles(shape, parsed, row, tokens, device, choice);
  if (has(row, "order")) {
    const auto order = parsed.get_word("order");
    choice.order = order == "hot-first"
                       ? TileOrder::kHotFirst
                       : (order == "dynamic" ? TileOrder::kDynamic : TileOrder::kExpert);
    // Only grouped-sm90 has a counter; what `grouped` resolves to elsewhere keeps a static order.
    if (choice.order == TileOrder::kDynamic && choice.engine != CudaEngine::kSm90)
      choice.order = TileOrder::kExpert;
  }
  if (choice.engine == CudaEngine::kSm90 && has(row, "cluster")) {
    choice.cluster = static_cast<int>(parsed.get_integer("cluster"));
    choice.bulk_store = parsed.get_word("store") == "bulk";
    if (choice.bulk_store) choice.reason += "; the copy engine stores the results";
    if (choice.cluster == 2) choice.reason += "; two blocks share the weights of a tile";
  }
  if (has(row, "wgrad") && parsed.get_word("wgrad") == "split") {
    const auto wanted = static_cast<std::int32_t>(parsed.get_integer("split_rows"));
    choice.split_rows = wanted == 0 ? -1 : (wanted + 15) / 16 * 16;
  }
  if (has(row, "row_group")) choice.row_group = static_cast<int>(parsed.get_integer("row_group"));
  if (has(row, "streams")) choice.streams = static_cast<int>(parsed.get_integer("streams"));
  choice.graph = has(row, "launch") && parsed.get_word("launch") == "graph";
  const auto cache = parsed.get_word("cache");
  choice.cache = cache == "hot" ? CacheState::kHot
                                : (cache == "cold" ? CacheState::kCold : CacheState::kSteady);
  if (choice.cache == CacheState::kSteady)
    choice.weight_sets = static_cast<int>(parsed.get_integer("layers"));
  return choice;
}

int column_tiles(const CudaKernelChoice& choice, std::int64_t columns, bool paired) {
  const std::int64_t width = paired ? choice.tile_columns / 2 : choice.tile_columns;
  // grouped-plain keeps gates and ups in two accumulators of the full width.
  const std::int64_t whole = choice.engine == CudaEngine::kPlain ? choice.tile_columns : width;
  return static_cast<int>((columns + whole - 1) / (whole > 0 ? whole : 1));
}

}  // namespace hotexpert
