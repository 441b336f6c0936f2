#include "sim/routing/policies/slot_major.hpp"

namespace hotexpert {

void keep_by_slot(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  const auto& batch = scope.batch;
  std::vector<std::int64_t> room(static_cast<std::size_t>(scope.num_bins), scope.capacity);
  for (int slot = 0; slot < batch.slots; ++slot) {
    for (auto token = scope.first_token; token < scope.end_token; ++token) {
      const auto i = static_cast<std::size_t>(token * batch.slots + slot);
      const StoredExpert id = batch.topk_ids[i];
      kept.expert[i] = kAbsent;
      if (!is_expert(batch, id)) continue;
      const auto bin = scope.bin_of_expert[static_cast<std::size_t>(id)];
      if (room[static_cast<std::size_t>(bin)]-- > 0) kept.expert[i] = id;
    }
  }
}

}  // namespace hotexpert
