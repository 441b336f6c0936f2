#include "sim/routing/policies/position.hpp"

namespace hotexpert {

void keep_by_position(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  const auto& batch = scope.batch;
  std::vector<std::int64_t> room(static_cast<std::size_t>(scope.num_bins), scope.capacity);
  const auto end = static_cast<std::size_t>(scope.end_token * batch.slots);
  for (auto i = static_cast<std::size_t>(scope.first_token * batch.slots); i < end; ++i) {
    const StoredExpert id = batch.topk_ids[i];
    kept.expert[i] = kAbsent;
    if (!is_expert(batch, id)) continue;
    const auto bin = scope.bin_of_expert[static_cast<std::size_t>(id)];
    if (room[static_cast<std::size_t>(bin)]-- > 0) kept.expert[i] = id;
  }
}

}  // namespace hotexpert
