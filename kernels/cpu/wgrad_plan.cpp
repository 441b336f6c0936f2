#include "kernels/cpu/wgrad_plan.hpp"

#include <algorithm>

namespace hotexpert {
namespace {

constexpr std::int64_t kSumElements =
    1 << 16;  ///< of one sum task: a part of a tile, so that all threads add
constexpr std::int64_t kLeastSplitRows = 512;
constexpr std::int64_t kPartMultiple = 16;

/// Rows of each part of an expert; one part, perhaps empty, where it is not split.
std::vector<std::int64_t> parts_of(std::int64_t rows, std::int64_t split_rows) {
  if (split_rows == 0 || rows <= split_rows) return {rows};
  const std::int64_t count = (rows + split_rows - 1) / split_rows;
  const std::int64_t even = (rows + count - 1) / count;
  const std::int64_t each =
      std::min(split_rows, (even + kPartMultiple - 1) / kPartMultiple * kPartMultiple);
  std::vector<std::int64_t> parts;
  for (std::int64_t done = 0; done < rows; done += each)
    parts.push_back(std::min(each, rows - done));
  return parts;
}

void append_sums(WgradSum sum, std::int64_t elements, std::vector<WgradSum>& sums) {
  for (std::int64_t begin = 0; begin < elements; begin += kSumElements) {
    sum.begin = begin;
    sum.end = std::min(elements, begin + kSumElements);
    sums.push_back(sum);
    ++sum.column;
  }
}

}  // namespace

WgradPlan plan_wgrad(Strategy strategy, const ExpertRows& rows,
                     const std::array<std::vector<std::int64_t>, kWeightMatrices>& tile_elements,
                     std::int64_t split_rows) {
  WgradPlan plan;
  const auto append = [&](int expert, WgradStage& stage) {
    const auto& segment = rows.experts[static_cast<std::size_t>(expert)];
    const auto parts = parts_of(segment.computed, split_rows);
    plan.parts.push_back(std::ssize(parts));
    plan.part_rows.push_back(parts.front());
    plan.columns = plan.sum_columns = 0;
    for (int matrix = 0; matrix < kWeightMatrices; ++matrix) {
      const auto& tiles = tile_elements[static_cast<std::size_t>(matrix)];
      for (std::size_t tile = 0; tile < tiles.size(); ++tile) {
        WgradTask task{expert,
                       static_cast<WeightMatrix>(matrix),
                       static_cast<std::int64_t>(tile),
                       segment.first,
                       0,
                       -1,
                       plan.columns++};
        const WgradSum sum{task.expert,           task.matrix, task.tile, plan.partials,
                           std::ssize(parts) - 1, 0,           0,         plan.sum_columns,
                           segment.first};
        plan.sum_columns += (tiles[tile] + kSumElements - 1) / kSumElements;
        for (const std::int64_t part : parts) {
          task.rows = part;
          stage.products.push_back(task);
          task.first_row += part;
          task.partial = plan.partials++;
        }
        --plan.partials;  // the last part has no successor
        if (parts.size() > 1) append_sums(sum, tiles[tile], stage.sums);
      }
    }
  };
  if (strategy != Strategy::kLoop) plan.stages.emplace_back();
  for (int expert = 0; expert < static_cast<int>(rows.experts.size()); ++expert) {
    if (strategy == Strategy::kLoop) plan.stages.emplace_back();
    append(expert, plan.stages.back());
  }
  for (auto& stage : plan.stages)
    std::ranges::stable_sort(stage.products, std::ranges::greater{}, &WgradTask::rows);
  return plan;
}

std::int64_t automatic_split_rows(const ExpertRows& rows) {
  std::int64_t sum = 0;
  std::int64_t active = 0;
  for (const auto& expert : rows.experts) {
    sum += expert.computed;
    active += expert.computed > 0 ? 1 : 0;
  }
  const std::int64_t mean = active > 0 ? (sum + active - 1) / active : 0;
  return std::max(kLeastSplitRows, 2 * mean);
}

}  // namespace hotexpert
