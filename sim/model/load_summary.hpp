#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// Row-tile sizes a kernel may use.
inline constexpr std::array<int, 5> kRowTiles = {16, 32, 64, 128, 256};

/// Position of a row-tile size in kRowTiles.   @param rows one of kRowTiles
constexpr std::size_t row_tile_index(int rows) {
  std::size_t index = 0;
  while (rows > 16) {
    rows /= 2;
    ++index;
  }
  return index;
}

/// What the cost laws need of one rank's loads m_e. Doubles, so that it holds expected loads too.
struct LoadSummary {
  double tokens = 0;                                 ///< tokens that enter the layer on this rank
  double experts = 0;                                ///< experts the rank holds
  double rows = 0;                                   ///< sum m_e: rows computed
  double token_rows = 0;                             ///< those that belong to tokens, not padding
  double active = 0;                                 ///< experts with m_e > 0
  double max_rows = 0;                               ///< max m_e
  std::array<double, kRowTiles.size()> row_tiles{};  ///< sum over e of ceil(m_e / kRowTiles[i])
};

/// Summary of one rank's loads. O(experts).
LoadSummary summarize(std::int64_t tokens, std::span<const std::int64_t> expert_rows);

/// Every expert padded to `rows_each` rows: all of them active.
/// @param token_rows rows of tokens among them
LoadSummary padded_summary(std::int64_t tokens, std::int64_t experts, std::int64_t rows_each,
                           double token_rows);

/// Two groups of experts of one rank and the same tokens, priced together.
LoadSummary together(const LoadSummary& a, const LoadSummary& b);

/// Expected summary of `local_experts` experts when each of `tokens` tokens takes k distinct
/// experts of E at random: m_e ~ Bin(tokens, k / E), so E[ceil(m/b)] = sum_x P(m = x) ceil(x/b).
/// Exact to rounding; max_rows is the mean load. O(tokens).
LoadSummary uniform_summary(const LayerShape& shape, std::int64_t local_experts,
                            std::int64_t tokens);

}  // namespace hotexpert
