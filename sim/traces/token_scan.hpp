#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// Counts the loads and the overlap of neighbouring tokens of a recording in one pass over its
/// mapped ids, in memory that does not grow with its length. Ids out of range and absent ones are
/// in no load and overlap with nothing.
class TokenScan {
 public:
  /// @param arrays outlives the scan   @param num_experts E in [1, kMaxExperts]
  TokenScan(const TraceArrays& arrays, int num_experts);
  ~TokenScan();
  TokenScan(const TokenScan&) = delete;
  TokenScan& operator=(const TokenScan&) = delete;

  /// Adds tokens first to last - 1 to `load`. The calls go through the tokens in order.
  /// @param load [layers, E]
  void add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load);

  /// Slots so far whose expert the token before chose too, of each layer [layers].
  [[nodiscard]] const std::vector<std::int64_t>& common() const;

  class Lanes;  ///< how ids are handled: in one byte or in two

 private:
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace hotexpert
