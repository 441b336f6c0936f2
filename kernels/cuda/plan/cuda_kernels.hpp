#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernels/cuda/plan/cuda_device.hpp"
#include "kernels/cuda/plan/tile_schedule.hpp"
#include "sim/base/params.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// How the experts of a layer share the device. What a hot expert costs is decided here.
enum class CudaStrategy : std::uint8_t {
  kGrouped,  ///< one persistent launch a product over the rows of all experts
  kLibrary,  ///< one call of the library's grouped product; sizes come from the host
  kPadded,   ///< one strided batch, each expert with as many rows as the largest
  kLoop,     ///< one launch an expert, after another
  kStreams,  ///< one launch an expert, spread over streams
};

/// What multiplies.
enum class CudaEngine : std::uint8_t { kSm90, kMma, kPlain, kCublas, kPlugin };
std::string_view name(CudaEngine engine);  ///< "sm90", "mma", "plain", "cublas", "plugin"

/// What state caches are in when a step is timed.
enum class CacheState : std::uint8_t {
  kHot,     ///< steps follow each other; what fits stays in L2
  kCold,    ///< L2 is overwritten before each step
  kSteady,  ///< a step runs several layers with different weights
};

/// A kernel of the list with its parameters resolved for a shape and a device.
struct CudaKernelChoice {
  CudaStrategy strategy = CudaStrategy::kGrouped;
  CudaEngine engine = CudaEngine::kPlain;
  TileOrder order = TileOrder::kExpert;
  int tile_rows = 0;        ///< of our engines; 0: not tiled by us
  int tile_columns = 0;     ///< output columns of a tile; for SwiGLU in the up product half
  int row_group = 8;        ///< see tile_place()
  int blocks = 0;           ///< of a persistent launch
  bool bulk_store = false;  ///< results leave through shared memory and the copy engine
  int cluster = 1;  ///< blocks that share the weights of a tile, their rows below each other
  int streams = 1;
  bool graph = true;  ///< the whole step as one CUDA graph; false: launch by launch
  CacheState cache = CacheState::kHot;
  int weight_sets = 1;  ///< layers of a step
  /// Most rows of a part of a weight gradient, a multiple of 16; 0: in one piece, < 0: by the rows.
  std::int32_t split_rows = 0;
  std::string plugin;  ///< of kPlugin: the kernel's name, with path and options
  std::string reason;  ///< why this engine and tile, in words

  /// Sizes come from the device, so no step waits for the host.
  [[nodiscard]] bool sizes_on_device() const { return strategy == CudaStrategy::kGrouped; }
  /// Rows of a tile of the schedule: of all blocks of a cluster.
  [[nodiscard]] int scheduled_rows() const { return tile_rows * cluster; }
  /// The activation is part of the first product.
  [[nodiscard]] bool fused_activation() const {
    return engine != CudaEngine::kCublas && engine != CudaEngine::kPlugin;
  }
  /// Its tiles are ours: cut, ordered and counted by the tile table.
  [[nodiscard]] bool own_tiles() const { return fused_activation(); }
};

/// One row a kernel.
struct CudaKernelRow {
  std::string_view name;
  std::string_view summary;
  std::span<const ParamSpec> params;
  CudaStrategy strategy;
  std::optional<CudaEngine> engine;  ///< nullopt: parameter `gemm`, or the best for the device
  std::string_view passes;           ///< values of layer.pass it computes, separated by '|'
};

/// grouped, grouped-sm90, grouped-mma, grouped-plain, grouped-cublas, padded, loop, streams.
std::span<const CudaKernelRow> cuda_kernels();

/// nullopt = yes; else why this kernel cannot run this shape on this device, and what can.
/// @param kernel name with parameters inline, or plugin:PATH (kernels/plugin)
/// @throws UsageError for an unknown name or parameter, InputError for a plugin that is none
std::optional<std::string> cuda_unsupported(const LayerShape& shape, std::string_view kernel,
                                            const CudaDevice& device);

/// The heuristic: which engine, tile and launch compute `shape`, from sizes the host knows before
/// routing. A pure function, but for plugin:PATH, whose own flags decide.
/// @param tokens of a step   @param device one that cuda_unsupported() accepts
CudaKernelChoice choose_cuda_kernel(const LayerShape& shape, std::string_view kernel,
                                    std::int64_t tokens, const CudaDevice& device);

/// Column tiles of a product with `columns` output columns.
/// @param paired the up product of SwiGLU, whose tiles hold gates and ups
int column_tiles(const CudaKernelChoice& choice, std::int64_t columns, bool paired);

}  // namespace hotexpert
