#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/training/router_state.hpp"

namespace hotexpert::training {

/// The assignments that reach an expert, by expert: expert i computes entries
/// [offsets[i], offsets[i + 1]). An entry e is token e / slots, slot e % slots.
struct Dispatch {
  std::vector<std::int64_t> offsets;  ///< [E + 1]
  std::vector<std::int64_t> entries;  ///< kept assignments, by expert, then in token order
  std::vector<std::int64_t> load;     ///< [E] assignments before drops
  std::int64_t dropped = 0;
};

/// Sorts the selected assignments by expert and drops what exceeds the capacity of a micro-batch,
/// ceil(k T / E * factor) (Megatron-Core's rule), keeping the highest gates (ties: earlier token).
template <class Scalar>
void dispatch_assignments(const RouterState<Scalar>& state, const std::optional<Decimal>& factor,
                          Dispatch& dispatch);

}  // namespace hotexpert::training
