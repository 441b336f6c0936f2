#include "sim/model/load_summary.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hotexpert {
namespace {

/// P(X = x), x = 0 … n, of Bin(n, p), built outward from the mode so that nothing underflows early.
std::vector<double> binomial_pmf(std::int64_t n, double p) {
  std::vector<double> pmf(static_cast<std::size_t>(n) + 1, 0.0);
  if (p >= 1) {
    pmf.back() = 1;
    return pmf;
  }
  const auto mode = std::min(n, static_cast<std::int64_t>(static_cast<double>(n + 1) * p));
  const auto at = [&pmf](std::int64_t x) -> double& { return pmf[static_cast<std::size_t>(x)]; };
  const double odds = p / (1 - p);
  at(mode) = 1;
  for (std::int64_t x = mode; x < n && at(x) > 1e-18; ++x) {
    at(x + 1) = at(x) * odds * static_cast<double>(n - x) / static_cast<double>(x + 1);
  }
  for (std::int64_t x = mode; x > 0 && at(x) > 1e-18; --x) {
    at(x - 1) = at(x) * static_cast<double>(x) / (odds * static_cast<double>(n - x + 1));
  }
  double sum = 0;
  for (const double value : pmf) sum += value;
  for (double& value : pmf) value /= sum;
  return pmf;
}

}  // namespace

LoadSummary summarize(std::int64_t tokens, std::span<const std::int64_t> expert_rows) {
  std::int64_t rows = 0, active = 0, most = 0;
  std::array<std::int64_t, kRowTiles.size()> tiles{};
  for (const std::int64_t m : expert_rows) {
    rows += m;
    active += m > 0 ? 1 : 0;
    most = std::max(most, m);
    for (std::size_t i = 0; i < kRowTiles.size(); ++i) {
      tiles[i] += (m + (std::int64_t{16} << i) - 1) >> (4 + i);
    }
  }
  LoadSummary out;
  out.tokens = static_cast<double>(tokens);
  out.experts = static_cast<double>(expert_rows.size());
  out.rows = static_cast<double>(rows);
  out.token_rows = out.rows;
  out.active = static_cast<double>(active);
  out.max_rows = static_cast<double>(most);
  for (std::size_t i = 0; i < tiles.size(); ++i) out.row_tiles[i] = static_cast<double>(tiles[i]);
  return out;
}

LoadSummary padded_summary(std::int64_t tokens, std::int64_t experts, std::int64_t rows_each,
                           double token_rows) {
  LoadSummary out;
  out.token_rows = token_rows;
  out.tokens = static_cast<double>(tokens);
  out.experts = static_cast<double>(experts);
  out.rows = static_cast<double>(experts * rows_each);
  out.active = rows_each > 0 ? static_cast<double>(experts) : 0;
  out.max_rows = static_cast<double>(rows_each);
  for (std::size_t i = 0; i < kRowTiles.size(); ++i) {
    const std::int64_t size = kRowTiles[i];
    const std::int64_t tiles_each = (rows_each + size - 1) / size;
    out.row_tiles[i] = static_cast<double>(experts * tiles_each);
  }
  return out;
}

LoadSummary together(const LoadSummary& a, const LoadSummary& b) {
  LoadSummary out = a;
  out.experts += b.experts;
  out.rows += b.rows;
  out.token_rows += b.token_rows;
  out.active += b.active;
  out.max_rows = std::max(a.max_rows, b.max_rows);
  for (std::size_t i = 0; i < kRowTiles.size(); ++i) out.row_tiles[i] += b.row_tiles[i];
  return out;
}

LoadSummary uniform_summary(const LayerShape& shape, std::int64_t local_experts,
                            std::int64_t tokens) {
  const double share = static_cast<double>(shape.top_k) / shape.num_experts;
  const auto pmf = binomial_pmf(tokens, share);
  const auto local = static_cast<double>(local_experts);
  LoadSummary out;
  out.tokens = static_cast<double>(tokens);
  out.experts = local;
  out.rows = local * static_cast<double>(tokens) * share;
  out.token_rows = out.rows;
  out.active = local * (1 - pmf.front());
  out.max_rows = out.rows / std::max(out.active, 1.0);
  for (std::size_t i = 0; i < kRowTiles.size(); ++i) {
    const auto size = static_cast<std::size_t>(kRowTiles[i]);
    double expected = 0;
    for (std::size_t x = 1; x < pmf.size(); ++x) {
      const std::size_t tiles = (x + size - 1) / size;
      expected += pmf[x] * static_cast<double>(tiles);
    }
    out.row_tiles[i] = local * expected;
  }
  return out;
}

}  // namespace hotexpert
