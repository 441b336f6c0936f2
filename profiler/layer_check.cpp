#include "profiler/layer_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/bfloat16.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reference_expert.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr double kAllRowsFlops = 2e8;
constexpr std::int64_t kTileRows = 64;
constexpr int kDrawnRows = 4;
constexpr int kDrawnTokens = 6;

/// ||out - ref||² and ||ref||², summed row by row.
struct SquaredError {
  double difference = 0;
  double reference = 0;

  template <class Value>
  void add(const std::vector<double>& expected, const Value* actual) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double off = static_cast<double>(to_float(actual[i])) - expected[i];
      difference += off * off;
      reference += expected[i] * expected[i];
    }
  }
  [[nodiscard]] double relative() const {
    const double error = reference > 0 ? std::sqrt(difference / reference) : std::sqrt(difference);
    return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
};

std::int64_t row_bytes(const LayerShape& shape) {
  return shape.d_model * bytes_per_element(shape.dtype);
}

template <class Value>
const Value* as(const std::byte* bytes) {
  return static_cast<const Value*>(static_cast<const void*>(bytes));
}

/// The error of one expert over its checked rows.
double expert_error(const LayerShape& shape, const ExpertWeights& weights,
                    const LayerOutput& output, const std::vector<std::int64_t>& rows, int threads) {
  std::vector<SquaredError> errors(rows.size());
  parallel_tasks(threads, static_cast<std::int64_t>(rows.size()), [&](std::int64_t i, int) {
    const auto row = rows[static_cast<std::size_t>(i)];
    const std::int64_t token = output.rows->source_token[static_cast<std::size_t>(row)];
    const auto expected =
        reference_expert(shape, weights, output.activations + token * row_bytes(shape));
    const std::byte* actual = output.expert_out + row * row_bytes(shape);
    auto& error = errors[static_cast<std::size_t>(i)];
    if (shape.dtype == DataType::kFp32) {
      error.add(expected, as<float>(actual));
    } else {
      error.add(expected, as<Bf16>(actual));
    }
  });
  SquaredError total;
  for (const auto& error : errors) {
    total.difference += error.difference;
    total.reference += error.reference;
  }
  return total.relative();
}

std::vector<std::int64_t> checked_tokens(std::int64_t tokens, std::uint64_t seed) {
  if (tokens == 0) return {};
  std::vector<std::int64_t> chosen = {0, tokens - 1};
  RandomStream stream({seed, RandomPurpose::kActivations, 1, 0}, 0);
  for (int i = 0; i < kDrawnTokens; ++i)
    chosen.push_back(stream.below(static_cast<std::uint32_t>(tokens)));
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

/// Gate-weighted sums of references for a few tokens, filled expert by expert while its weights are
/// at hand.
struct TokenSums {
  std::vector<std::int64_t> tokens;
  std::vector<std::vector<double>> sums;  ///< [tokens][d_model]

  void add(const LayerShape& shape, const ExpertWeights& weights,
           const ExpertRows::Segment& segment, const LayerOutput& output) {
    const auto& rows = *output.rows;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      for (int slot = 0; slot < rows.slots; ++slot) {
        const auto position = static_cast<std::size_t>(tokens[i] * rows.slots + slot);
        const std::int64_t row = rows.row_of_slot[position];
        if (row < segment.first || row >= segment.first + segment.used) continue;
        const auto expected =
            reference_expert(shape, weights, output.activations + tokens[i] * row_bytes(shape));
        for (std::size_t c = 0; c < expected.size(); ++c) {
          sums[i][c] += static_cast<double>(rows.weight_of_slot[position]) * expected[c];
        }
      }
    }
  }
};

}  // namespace

double error_tolerance(DataType dtype) { return dtype == DataType::kFp32 ? 5e-6 : 5e-3; }

std::vector<std::int64_t> checked_rows(const ExpertRows::Segment& segment, bool all,
                                       std::uint64_t seed, int expert) {
  std::vector<std::int64_t> rows;
  if (segment.used == 0) return rows;
  if (all || segment.used <= kDrawnRows + 4) {
    for (std::int64_t i = 0; i < segment.used; ++i) rows.push_back(segment.first + i);
    return rows;
  }
  rows = {0, segment.used - 1};
  for (const std::int64_t edge : {kTileRows, (segment.used - 1) / kTileRows * kTileRows}) {
    for (const std::int64_t row : {edge - 1, edge}) {
      if (row > 0 && row < segment.used) rows.push_back(row);
    }
  }
  RandomStream stream({seed, RandomPurpose::kActivations, 2, 0},
                      static_cast<std::uint32_t>(expert));
  for (int i = 0; i < kDrawnRows; ++i)
    rows.push_back(stream.below(static_cast<std::uint32_t>(segment.used)));
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  for (auto& row : rows) row += segment.first;
  return rows;
}

double check_expert(const LayerShape& shape, std::uint64_t seed, int id, const LayerOutput& output,
                    const std::vector<std::int64_t>& rows, int threads) {
  if (rows.empty()) return 0;
  ExpertWeights weights;
  draw_expert_weights(shape, seed, id, threads, weights);
  return expert_error(shape, weights, output, rows, threads);
}

LayerError check_layer(const LayerShape& shape, std::uint64_t seed, const LayerOutput& output,
                       int threads) {
  const auto& rows = *output.rows;
  std::int64_t used = 0;
  for (const auto& segment : rows.experts) used += segment.used;
  const bool all = flops_per_expert(shape, used) <= kAllRowsFlops;

  LayerError worst;
  const auto note = [&](double error, int expert, std::int64_t token) {
    if (error <= worst.largest) return;
    worst = {error, expert, token};
  };
  TokenSums sums{checked_tokens(rows.tokens, seed), {}};
  sums.sums.assign(sums.tokens.size(),
                   std::vector<double>(static_cast<std::size_t>(shape.d_model), 0.0));
  ExpertWeights weights;
  for (int expert = 0; expert < static_cast<int>(rows.experts.size()); ++expert) {
    const auto& segment = rows.experts[static_cast<std::size_t>(expert)];
    if (segment.used == 0) continue;
    draw_expert_weights(shape, seed, expert, threads, weights);
    note(expert_error(shape, weights, output, checked_rows(segment, all, seed, expert), threads),
         expert, -1);
    sums.add(shape, weights, segment, output);
  }
  if (worst.largest > error_tolerance(shape.dtype)) return worst;
  for (std::size_t i = 0; i < sums.tokens.size(); ++i) {
    SquaredError error;
    error.add(sums.sums[i], output.out + sums.tokens[i] * shape.d_model);
    note(error.relative(), -1, sums.tokens[i]);
  }
  return worst;
}

}  // namespace hotexpert
