#include "kernels/expert_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// Segments for the routed experts, each `rows_each` rows or, without it, as many as it has; then
/// the shared experts.
std::vector<ExpertRows::Segment> segments(const DispatchPlan& plan, const LayerShape& shape,
                                          std::optional<std::int64_t> rows_each) {
  std::vector<ExpertRows::Segment> experts;
  std::int64_t first = 0;
  for (int p = 0; p < plan.num_physical; ++p) {
    experts.push_back({first, plan.rows(p), rows_each.value_or(plan.rows(p))});
    first += experts.back().computed;
  }
  for (int s = 0; s < shape.num_shared_experts; ++s) {
    experts.push_back({first, plan.tokens, plan.tokens});
    first += plan.tokens;
  }
  if (first > std::numeric_limits<std::int32_t>::max()) {
    throw UsageError(fmt::format(
        "the layer would compute {} rows, more than 2^31 - 1; lower step.tokens or layer.top_k, or "
        "choose a kernel that does not pad",
        first));
  }
  return experts;
}

ExpertRows lay_out(const DispatchPlan& plan, const LayerShape& shape,
                   std::vector<ExpertRows::Segment> experts) {
  ExpertRows rows;
  rows.tokens = plan.tokens;
  rows.slots = plan.slots + shape.num_shared_experts;
  rows.experts = std::move(experts);
  const auto total = rows.experts.empty()
                         ? std::int64_t{0}
                         : rows.experts.back().first + rows.experts.back().computed;
  const auto cells = static_cast<std::size_t>(rows.tokens * rows.slots);
  rows.source_token.assign(static_cast<std::size_t>(total), -1);
  rows.row_of_slot.assign(cells, -1);
  rows.weight_of_slot.assign(cells, 0.0F);
  const auto place = [&](std::int64_t row, std::int64_t token, int slot, float weight) {
    const auto cell = static_cast<std::size_t>(token * rows.slots + slot);
    rows.source_token[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(token);
    rows.row_of_slot[cell] = static_cast<std::int32_t>(row);
    rows.weight_of_slot[cell] = weight;
  };
  const float equal_share = 1.0F / static_cast<float>(shape.top_k);
  for (int p = 0; p < plan.num_physical; ++p) {
    const auto& expert = rows.experts[static_cast<std::size_t>(p)];
    const auto begin = plan.expert_offsets[static_cast<std::size_t>(p)];
    for (std::int64_t i = 0; i < expert.used; ++i) {
      const auto source = static_cast<std::size_t>(begin + i);
      place(expert.first + i, plan.source_token[source], plan.source_slot[source] % plan.slots,
            plan.gate_weight.empty() ? equal_share : plan.gate_weight[source]);
    }
  }
  for (int s = 0; s < shape.num_shared_experts; ++s) {
    const auto& expert = rows.experts[static_cast<std::size_t>(plan.num_physical + s)];
    for (std::int64_t token = 0; token < plan.tokens; ++token) {
      place(expert.first + token, token, plan.slots + s, 1.0F);
    }
  }
  return rows;
}

}  // namespace

std::int64_t ExpertRows::computed_rows() const {
  std::int64_t sum = 0;
  for (const auto& expert : experts) sum += expert.computed;
  return sum;
}

ExpertRows compact_rows(const DispatchPlan& plan, const LayerShape& shape) {
  return lay_out(plan, shape, segments(plan, shape, std::nullopt));
}

ExpertRows padded_rows(const DispatchPlan& plan, const LayerShape& shape) {
  std::int64_t most = 0;
  for (int p = 0; p < plan.num_physical; ++p) most = std::max(most, plan.rows(p));
  for (const auto capacity : plan.capacity) most = std::max(most, capacity);
  return lay_out(plan, shape, segments(plan, shape, most));
}

}  // namespace hotexpert
