#include "sim/core/dispatch_plan.hpp"

#include <fmt/format.h>

#include <numeric>
#include <stdexcept>

namespace hotexpert {
namespace {

void require(bool holds, const char* invariant) {
  if (!holds)
    throw std::logic_error(
        fmt::format("dispatch plan: {} does not hold; please report this", invariant));
}

}  // namespace

void check_invariants(const DispatchPlan& plan) {
  const auto p = static_cast<std::size_t>(plan.num_physical);
  const auto rows = static_cast<std::size_t>(plan.rows());
  require(plan.expert_offsets.size() == p + 1 && plan.expert_offsets.front() == 0,
          "offsets start at 0, one an expert");
  for (std::size_t e = 0; e < p; ++e) {
    require(plan.expert_offsets[e] <= plan.expert_offsets[e + 1], "offsets never fall");
    if (!plan.capacity.empty()) {
      require(plan.expert_offsets[e + 1] - plan.expert_offsets[e] <= plan.capacity[e],
              "rows <= capacity");
    }
  }
  require(plan.source_token.size() == rows && plan.source_slot.size() == rows, "one source a row");
  require(plan.gate_weight.empty() || plan.gate_weight.size() == rows, "one gate weight a row");
  require(
      plan.rows() + static_cast<std::int64_t>(plan.dropped.size()) + plan.absent + plan.invalid ==
          plan.tokens * plan.slots,
      "kept + dropped + absent + invalid = tokens * slots");
  std::vector<bool> seen(static_cast<std::size_t>(plan.tokens * plan.slots), false);
  const auto once = [&](std::int32_t position) {
    require(position >= 0 && static_cast<std::size_t>(position) < seen.size(), "sources in range");
    require(!seen[static_cast<std::size_t>(position)], "no assignment twice");
    seen[static_cast<std::size_t>(position)] = true;
  };
  for (std::size_t row = 0; row < rows; ++row) {
    once(plan.source_slot[row]);
    require(plan.source_slot[row] / plan.slots == plan.source_token[row],
            "token = slot position / slots");
  }
  for (const auto position : plan.dropped) once(position);
  if (!plan.send_rows.empty()) {
    require(std::accumulate(plan.send_rows.begin(), plan.send_rows.end(), std::int64_t{0}) ==
                plan.rows(),
            "rows sent = rows computed");
  }
}

}  // namespace hotexpert
