#include "kernels/cuda/plan/device_training.hpp"

#include <algorithm>

#include "kernels/cuda/plan/wgrad_mma_plan.hpp"
#include "kernels/cuda/plan/wgrad_schedule.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

std::int64_t stored_columns(const LayerShape& shape) {
  return (matrices_per_expert(shape.activation) - 1) * shape.d_ff;
}

}  // namespace

std::int64_t wgrad_slots(const ExpertRows& rows, std::int32_t split_rows) {
  std::int64_t slots = 0;
  for (const auto& expert : rows.experts)
    slots += wgrad_parts(static_cast<std::int32_t>(expert.computed), split_rows) - 1;
  return slots;
}

std::int32_t resolved_split_rows(const ExpertRows& rows, std::int32_t split_rows) {
  if (split_rows >= 0) return split_rows;
  constexpr std::int64_t kLeast = 512;
  constexpr std::int64_t kMultiple = 64;
  std::int64_t sum = 0;
  std::int64_t active = 0;
  for (const auto& expert : rows.experts) {
    sum += expert.computed;
    active += expert.computed > 0 ? 1 : 0;
  }
  const std::int64_t twice = active > 0 ? 2 * sum / active : 0;
  return static_cast<std::int32_t>(
      std::max(kLeast, (twice + kMultiple - 1) / kMultiple * kMultiple));
}

double longest_wgrad_share(const LayerShape& shape, int blocks) {
  const auto tiles = [](std::int64_t columns) {
    return (columns + wgrad::kTile - 1) / wgrad::kTile;
  };
  const std::int64_t smaller =
      tiles(shape.d_model) * std::min(tiles(stored_columns(shape)), tiles(shape.d_ff));
  return static_cast<double>(blocks) / static_cast<double>(shape.top_k * smaller);
}

std::int64_t training_weight_bytes(const LayerShape& shape, int num_experts) {
  const std::int64_t elements = weight_bytes_per_expert(shape) / bytes_per_element(shape.dtype);
  return num_experts * (weight_bytes_per_expert(shape) + elements * kFloat);
}

std::int64_t training_plan_bytes(const LayerShape& shape, const ExpertRows& rows,
                                 std::int32_t split_rows) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t a_row = 2 * shape.d_model + shape.d_ff + 2 * stored_columns(shape);
  const std::int64_t tokens =
      rows.tokens * (shape.d_model * (element + kFloat) + 2 * kFloat * rows.slots);
  const std::int64_t largest_gradient =
      shape.d_model * std::max(stored_columns(shape), shape.d_ff) * kFloat;
  const std::int64_t slots = wgrad_slots(rows, resolved_split_rows(rows, split_rows));
  return rows.buffer_rows() * a_row * element + tokens + slots * largest_gradient +
         8 * (std::ssize(rows.experts) + 1);
}

}  // namespace hotexpert
