#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/dispatch_plan.hpp"

namespace hotexpert {

/// Which rows one rank sends and receives in an expert-parallel layer, and how it finds them again.
/// Rows between two ranks travel in the order of the plan: by physical expert, then token.
struct ExchangeLayout {
  std::vector<std::int32_t> own_tokens;    ///< tokens of the batch that the rank owns, rising
  std::vector<std::int64_t> send_rows;     ///< [R] to each rank
  std::vector<std::int64_t> receive_rows;  ///< [R] from each rank
  std::vector<std::int32_t> send_token;    ///< [sent rows] index into own_tokens, by destination
  std::vector<std::int32_t> row_of_slot;   ///< [own tokens, slots] sent row, or -1
  std::vector<float> weight_of_slot;       ///< [own tokens, slots] gate weight, 0 without a row
  /// The rank's experts and what they receive, as a plan: its token i is the i-th received row, in
  /// the order of arrival (by source); one slot, weight 1.
  DispatchPlan arrival;

  [[nodiscard]] std::int64_t rows_sent() const {
    return static_cast<std::int64_t>(send_token.size());
  }
};

/// @param source_rank [tokens] owner of each token, in [0, plan.num_ranks)
/// @param equal_weight gate weight of rows where the plan has none
ExchangeLayout lay_out_exchange(const DispatchPlan& plan, int rank,
                                std::span<const std::int32_t> source_rank, float equal_weight);

}  // namespace hotexpert
