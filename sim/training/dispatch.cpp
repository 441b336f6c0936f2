#include "sim/training/dispatch.hpp"

#include <algorithm>
#include <span>

#include "sim/routing/capacity_rule.hpp"

namespace hotexpert::training {
namespace {

/// Moves the entries of `part` that exceed the capacity of any micro-batch behind the others.
/// @return the number of entries kept, at the front and in token order
template <class Scalar>
std::int64_t keep_highest_gates(const RouterState<Scalar>& state, std::int64_t capacity,
                                std::span<std::int64_t> part) {
  const std::int64_t micro_batch = state.micro_batch_tokens * state.selection.slots;
  const auto higher_gate = [&](std::int64_t a, std::int64_t b) {
    const Scalar left = state.gates.values[static_cast<std::size_t>(a)];
    const Scalar right = state.gates.values[static_cast<std::size_t>(b)];
    return left != right ? left > right : a < b;
  };
  auto kept = part.begin();
  for (auto begin = part.begin(); begin != part.end();) {
    const std::int64_t limit = (*begin / micro_batch + 1) * micro_batch;
    const auto end = std::lower_bound(begin, part.end(), limit);
    const auto last = begin + std::min<std::ptrdiff_t>(end - begin, capacity);
    if (last != end) {
      std::nth_element(begin, last, end, higher_gate);
      std::sort(begin, last);
    }
    kept = std::copy(begin, last, kept);
    begin = end;
  }
  return kept - part.begin();
}

}  // namespace

template <class Scalar>
void dispatch_assignments(const RouterState<Scalar>& state, const std::optional<Decimal>& factor,
                          Dispatch& dispatch) {
  const auto experts = static_cast<std::size_t>(state.num_experts);
  const auto& ids = state.selection.ids;
  dispatch.load.assign(experts, 0);
  for (const auto id : ids) {
    if (id >= 0) ++dispatch.load[static_cast<std::size_t>(id)];
  }
  std::vector<std::int64_t> begin(experts + 1, 0);
  for (std::size_t i = 0; i < experts; ++i) begin[i + 1] = begin[i] + dispatch.load[i];
  dispatch.entries.resize(static_cast<std::size_t>(begin.back()));
  auto next = begin;
  for (std::size_t entry = 0; entry < ids.size(); ++entry) {
    if (ids[entry] < 0) continue;
    const auto place = next[static_cast<std::size_t>(ids[entry])]++;
    dispatch.entries[static_cast<std::size_t>(place)] = static_cast<std::int64_t>(entry);
  }
  dispatch.offsets = begin;
  dispatch.dropped = 0;
  if (!factor) return;
  static const CapacityRule rule("megatron");
  const std::int64_t capacity =
      *capacity_of(rule, {state.micro_batch_tokens, state.num_experts, state.top_k, 1}, *factor, 0);
  std::int64_t end = 0;
  for (std::size_t i = 0; i < experts; ++i) {
    const std::span part(dispatch.entries.data() + begin[i],
                         static_cast<std::size_t>(dispatch.load[i]));
    const std::int64_t kept = keep_highest_gates(state, capacity, part);
    std::copy_n(part.begin(), kept, dispatch.entries.begin() + end);
    dispatch.offsets[i] = end;
    end += kept;
  }
  dispatch.offsets[experts] = end;
  dispatch.dropped = begin.back() - end;
  dispatch.entries.resize(static_cast<std::size_t>(end));
}

template void dispatch_assignments(const RouterState<float>&, const std::optional<Decimal>&,
                                   Dispatch&);
template void dispatch_assignments(const RouterState<double>&, const std::optional<Decimal>&,
                                   Dispatch&);

}  // namespace hotexpert::training
