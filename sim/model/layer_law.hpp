#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/layer_shape.hpp"
#include "sim/model/device_description.hpp"
#include "sim/model/tile_choice.hpp"

namespace hotexpert {

/// How an expert kernel turns loads into work; one law each.
enum class KernelFamily : std::uint8_t { kGrouped, kLoop, kPadded };

struct KernelFamilyRow {
  std::string_view name;
  KernelFamily family;
  std::string_view summary;
};
std::span<const KernelFamilyRow> kernel_families();
std::string_view name(KernelFamily family);

/// The family of a kernel by its name's first word: "grouped-sm90:order=hot-first" is `grouped`.
/// @throws UsageError listing the families that have a law.
KernelFamily kernel_family(std::string_view kernel);

/// What a rank has to compute in one pass.
struct RankLoad {
  std::int64_t tokens = 0;                    ///< that enter the layer on the rank
  std::span<const std::int64_t> expert_rows;  ///< [local experts]
  std::int64_t capacity = 0;     ///< rows each expert is padded to; 0 = the largest load
  std::int64_t shared_rows = 0;  ///< rows of each shared expert of the shape
};

/// Time of one pass on one rank, by phase, and what it is made of.
struct LayerCost {
  double route_s = 0;
  double permute_s = 0;
  double expert_ffn_s = 0;
  double combine_s = 0;
  double total_s = 0;
  // The same total by cause; the overlap of math and memory is shared out as in MatmulTime.
  double launch_s = 0;
  double memory_s = 0;
  double math_s = 0;
  double elementwise_s = 0;
};

/// Expected loads of the tuner's uniform routing for each power of two of tokens. Depends on the
/// shape only, so that fits can share it.
class UniformLoads {
 public:
  UniformLoads(const LayerShape& shape, std::int64_t local_experts, std::int64_t largest_tokens);
  /// The bucket of `tokens`: the largest power of two <= tokens, at most the largest.
  [[nodiscard]] const LoadSummary& bucket(std::int64_t tokens) const;
  [[nodiscard]] std::size_t bucket_index(std::int64_t tokens) const;
  [[nodiscard]] std::span<const LoadSummary> all() const { return buckets_; }

 private:
  std::vector<LoadSummary> buckets_;  // [log2 of tokens]
};

/// Cost law of one layer shape and kernel family on one rank of a device:
///   route   = launches * launch_s
///   permute = launch_s + (token rows + rows) * d_model bytes / elementwise     (read, write)
///   ffn     = launches * launch_s + up projection + activation + down projection
///             activation: rows * d_ff * (matrices) bytes / elementwise
///   combine = launch_s + (token rows + tokens) * d_model bytes / elementwise
/// `grouped`: both projections over all experts in one launch. `padded`: every expert of the rank
/// has as many rows as the hottest (or the capacity), token rows and padding. Shared experts are
/// never padded. `loop`: the ffn of each active expert alone,
/// launches included, each with the one tile its library picks. Tokens are all tokens that enter
/// the layer on the rank: routing and output are paid for each of them.
class LayerLaw {
 public:
  /// @param tuned false where the tuner's answer is missing: first tile, unfused kernels
  LayerLaw(const DeviceDescription& device, const LayerShape& shape, KernelFamily family,
           std::int64_t local_experts, bool tuned = true,
           std::shared_ptr<const UniformLoads> uniform = nullptr);

  [[nodiscard]] LayerCost price(const RankLoad& load) const;
  /// The same without shared experts.
  [[nodiscard]] LayerCost price(std::int64_t tokens, std::span<const std::int64_t> expert_rows,
                                std::int64_t capacity = 0) const {
    return price(RankLoad{tokens, expert_rows, capacity, 0});
  }

  /// For families that price a whole rank at once (not `loop`). O(1).
  [[nodiscard]] LayerCost price(const LoadSummary& load) const;

 private:
  struct Projections {
    TileChoice up;
    TileChoice down;
  };
  [[nodiscard]] Projections choose(const LoadSummary& reference) const;
  [[nodiscard]] const Projections& choice_for(const LoadSummary& load, Projections& own) const;
  void add_ffn(const LoadSummary& load, const Projections& tiles, LayerCost& cost) const;
  static void add_projection(const MatmulTime& time, LayerCost& cost);
  void add_surroundings(const LoadSummary& load, LayerCost& cost) const;
  [[nodiscard]] LoadSummary shared_summary(const RankLoad& load) const;

  DeviceDescription device_;
  LayerShape shape_;
  KernelFamily family_;
  bool tuned_;
  MatmulSize up_;
  MatmulSize down_;
  double element_bytes_;
  std::shared_ptr<const UniformLoads> uniform_;
  std::vector<Projections> by_bucket_;
};

}  // namespace hotexpert
