#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/ids.hpp"

namespace hotexpert {

/// A non-owning view of the routing of one (step, layer).
struct RoutingBatch {
  std::int64_t step = 0;
  int layer = 0;
  std::int64_t tokens = 0;  ///< T, over all ranks
  int slots = 0;            ///< k, or the largest k of variable-k routing
  int num_experts = 0;      ///< E
  /// [tokens, slots], slots by falling weight; -1 = absent
  std::span<const StoredExpert> topk_ids = {};
  std::span<const float> topk_weights = {};  ///< [tokens, slots], or empty
  std::span<const float> scores = {};        ///< [tokens, E] router scores, or empty
  /// [tokens], or empty: ranks own contiguous equal blocks
  std::span<const std::int32_t> source_rank = {};
  std::span<const std::int32_t> request_id = {};  ///< [tokens], or empty

  [[nodiscard]] std::int64_t assignments() const { return tokens * slots; }
};

/// Owned storage behind a RoutingBatch, reused from one read to the next.
struct BatchBuffer {
  std::vector<StoredExpert> topk_ids;
  std::vector<float> topk_weights;
  std::vector<float> scores;
  std::vector<std::int32_t> source_rank;
  std::vector<std::int32_t> request_id;
};

/// What `skew.target` asked for and what the search reached.
struct SkewTarget {
  std::string metric;     ///< "max_over_mean", "drop@1.25", ...
  double wanted = 0;      ///< as the user wrote it
  double achieved = 0;    ///< on the batches the search looked at
  std::string parameter;  ///< the parameter of the skew model that was moved: "exponent"
  double value = 0;       ///< its value in this trace
};

/// What a trace holds, before any of it is read.
struct TraceInfo {
  std::string name;  ///< "zipf:exponent=1.2", or the file's name
  int num_experts = 0;
  int slots = 0;
  int layers = 0;
  std::int64_t steps = 0;
  bool has_weights = false;
  bool has_scores = false;
  std::optional<SkewTarget> target;   ///< synthetic traces made to a target
  std::vector<std::string> warnings;  ///< e.g. a partial last step that was left out
};

/// A source of routing: a skew model or a recorded file, cut into steps. Reading is const and
/// thread-safe, and the same (step, layer) gives the same bytes in any order of reading.
class RoutingTrace {
 public:
  virtual ~RoutingTrace() = default;
  [[nodiscard]] virtual const TraceInfo& info() const = 0;
  /// The routing of one step and layer, in `buffer` or in the mapped file; valid until the buffer
  /// is used again.
  /// @param step in [0, info().steps)   @param layer in [0, info().layers)
  /// @throws InputError when the recorded values are bad (id out of range, duplicate in a token),
  /// naming the row.
  virtual RoutingBatch read(std::int64_t step, int layer, BatchBuffer& buffer) const = 0;
};

/// What check_batch found; all zero for a sound batch.
struct BatchFaults {
  std::int64_t out_of_range = 0;      ///< ids below -1 or >= E
  std::int64_t duplicate_tokens = 0;  ///< tokens that name an expert twice
  std::int64_t first_bad_token = -1;
  int first_bad_id = 0;
};

/// Counts ids out of range and tokens with a repeated expert. Absent slots are fine.
BatchFaults check_batch(const RoutingBatch& batch);

/// Adds the batch's assignments to `load` [E]. Absent and out-of-range ids are not counted.
void count_load(const RoutingBatch& batch, std::span<std::int64_t> load);

/// Counts per (step, layer, expert): recordings that hold counts only, and the input of every load
/// metric.
struct LoadMatrix {
  std::int64_t steps = 0;
  int layers = 0;
  int experts = 0;
  std::vector<std::int64_t> load;  ///< [steps, layers, experts]

  LoadMatrix() = default;
  LoadMatrix(std::int64_t steps_, int layers_, int experts_)
      : steps(steps_),
        layers(layers_),
        experts(experts_),
        load(static_cast<std::size_t>(steps_ * layers_ * experts_)) {}
  [[nodiscard]] std::span<std::int64_t> at(std::int64_t step, int layer) {
    return std::span(load).subspan(offset(step, layer), static_cast<std::size_t>(experts));
  }
  [[nodiscard]] std::span<const std::int64_t> at(std::int64_t step, int layer) const {
    return std::span(load).subspan(offset(step, layer), static_cast<std::size_t>(experts));
  }

 private:
  [[nodiscard]] std::size_t offset(std::int64_t step, int layer) const {
    return static_cast<std::size_t>((step * layers + layer) * experts);
  }
};

}  // namespace hotexpert
