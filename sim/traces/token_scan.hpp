#pragma once

#include <cstdint>
#include <vector>

#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// Counts the loads and the overlap of neighbouring tokens of a recording in one pass over its
/// mapped ids, eight at a time, in memory that does not grow with its length. Ids out of range and
/// absent ones are in no load and overlap with nothing.
class TokenScan {
 public:
  /// @param arrays outlives the scan   @param num_experts E in [1, kMaxExperts]
  TokenScan(const TraceArrays& arrays, int num_experts);

  /// Adds tokens first to last - 1 to `load`. The calls go through the tokens in order.
  /// @param load [layers, E]
  void add(std::int64_t first, std::int64_t last, std::vector<std::int64_t>& load);

  /// Slots so far whose expert the token before chose too, of each layer [layers].
  [[nodiscard]] std::vector<std::int64_t> common() const;

 private:
  void add_chunk(std::int64_t first, std::int64_t tokens);
  template <class T>
  void sanitize(const std::byte* ids, std::size_t count);
  template <int k>
  void overlap_in_groups(std::size_t count);
  void overlap_by_row(std::size_t tokens);
  template <int k>
  void count_chunk(std::size_t tokens);
  void flush_common();

  const TraceArrays& arrays_;
  std::size_t layers_;
  std::size_t slots_;
  std::size_t row_;        // layers * slots: ids of a token
  std::size_t experts_;    // also the id that stands for "none" in chunk_
  std::size_t chunk_max_;  // tokens of a chunk
  bool in_groups_;         // slots divide the lanes
  std::uint16_t absent_;
  std::vector<std::uint16_t> chunk_;   // the token before, a chunk of tokens, lanes to spare
  std::vector<std::uint32_t> counts_;  // [layers, E + 1]
  std::vector<std::uint16_t> hits_;    // [row] lanes: overlap by place in eight tokens
  std::size_t hits_left_ = 0;          // additions until a lane of hits_ may overflow
  std::vector<std::int64_t> common_;   // [layers]
};

}  // namespace hotexpert
