#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Where the rows of a plan lie in a kernel's buffers, and how tokens find them again.
/// Experts are the plan's P physical experts, then the S shared experts, which every token passes
/// with gate weight 1.
struct ExpertRows {
  /// A run of buffer rows that belongs to one expert: `used` rows of tokens, then padding.
  struct Segment {
    std::int64_t first = 0;
    std::int64_t used = 0;
    std::int64_t computed = 0;  ///< rows the kernel computes, >= used
  };
  std::vector<Segment> experts;            ///< [P + S]
  std::vector<std::int32_t> source_token;  ///< [buffer rows] token of each row; -1 = padding
  std::int64_t tokens = 0;
  int slots = 0;                          ///< of a token: the plan's, then one a shared expert
  std::vector<std::int32_t> row_of_slot;  ///< [tokens, slots] buffer row; -1 = dropped or absent
  std::vector<float> weight_of_slot;      ///< [tokens, slots] gate weight; 0 where there is no row

  [[nodiscard]] std::int64_t buffer_rows() const {
    return static_cast<std::int64_t>(source_token.size());
  }
  [[nodiscard]] std::int64_t computed_rows() const;
};

/// Rows of one expert after another, nothing between: what ragged kernels compute.
/// Gate weights are the plan's; where it has none, 1 / top_k.
/// @throws UsageError when the rows do not fit 32-bit row numbers.
ExpertRows compact_rows(const DispatchPlan& plan, const LayerShape& shape);

/// Every routed expert padded to the same number of rows: the largest capacity, or the largest load
/// when dropless. Shared experts have one row a token and no padding.
ExpertRows padded_rows(const DispatchPlan& plan, const LayerShape& shape);

}  // namespace hotexpert
