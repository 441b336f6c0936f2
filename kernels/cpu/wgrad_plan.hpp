#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/staged_kernel.hpp"
#include "kernels/expert_rows.hpp"

namespace hotexpert {

// The weight gradients of all experts, cut into tasks. Every expert has the same tiles, and the
// time of a tile follows its expert's rows: without a split a hot expert's few long tiles set the
// time, however many threads there are.

/// Matrices of an expert, as tasks number them.
enum class WeightMatrix : std::uint8_t { kGate, kUp, kDown };
inline constexpr int kWeightMatrices = 3;

/// One tile of one gradient over some of the expert's rows.
struct WgradTask {
  int expert = 0;
  WeightMatrix matrix = WeightMatrix::kUp;
  std::int64_t tile = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;      ///< 0: an expert without rows, whose gradient is zero
  std::int64_t partial = -1;  ///< workspace slot it is written to; -1: the gradient itself
  std::int64_t column = 0;    ///< of the tile among those of all gradients of an expert
};

/// gradient[begin, end) of a tile += slots first_partial, first_partial + 1, …, in this order: the
/// same bits for any number of threads.
struct WgradSum {
  int expert = 0;
  WeightMatrix matrix = WeightMatrix::kUp;
  std::int64_t tile = 0;
  std::int64_t first_partial = 0;
  std::int64_t partials = 0;
  std::int64_t begin = 0;  ///< elements of the tile
  std::int64_t end = 0;
  std::int64_t column = 0;     ///< among the sums of all gradients of an expert
  std::int64_t first_row = 0;  ///< of the expert
};

/// Tasks without dependencies among each other: first all products, then all sums.
struct WgradStage {
  std::vector<WgradTask> products;
  std::vector<WgradSum> sums;
};
struct WgradPlan {
  std::vector<WgradStage> stages;
  std::int64_t partials = 0;            ///< workspace slots, each as large as the largest tile
  std::int64_t columns = 0;             ///< tiles of all gradients of an expert
  std::int64_t sum_columns = 0;         ///< sums that an expert needs where it is split
  std::vector<std::int64_t> parts;      ///< [P + S] of an expert's rows, >= 1
  std::vector<std::int64_t> part_rows;  ///< [P + S] rows of a part, its last aside
};

/// @param tile_elements of each tile of each matrix; none for a matrix the layer does not have
/// @param split_rows experts with more rows have their rows cut into even parts of at most so many;
/// 0: never
WgradPlan plan_wgrad(Strategy strategy, const ExpertRows& rows,
                     const std::array<std::vector<std::int64_t>, kWeightMatrices>& tile_elements,
                     std::int64_t split_rows);

/// split_rows when the user leaves it open: twice the mean of the experts that have rows, at least
/// 512, so that no part is much longer than an ordinary expert and its partial sums cost little
/// beside its products.
std::int64_t automatic_split_rows(const ExpertRows& rows);

}  // namespace hotexpert
