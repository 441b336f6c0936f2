#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// Loops over expert ids, many beside each other in a vector register. Compiled once for each
/// instruction set (id_loops.cpp) and chosen by processor at run time; results are equal.
///
/// A `Lane` is the type ids are handled in: std::uint8_t where E <= 256, else std::uint16_t. Rows
/// of k ids lie back to back, for any k: an id meets id number j behind it by comparing the ids
/// with themselves moved by j, and a mask leaves out the pairs that are not in the rows meant.
template <class Lane>
struct IdKernels {
  std::size_t lanes;  ///< ids in a register

  /// Writes `count` ids of an integer type as lanes.   @return whether every id is in [0, experts)
  using Narrow = bool (*)(const std::byte* ids, std::size_t count, std::uint32_t experts, Lane* to);
  Narrow narrow[8];  ///< by ElementType

  /// The same; what is no expert, or `absent`, becomes `none`.
  using Replace = void (*)(const std::byte* ids, std::size_t count, std::uint32_t experts,
                           std::int64_t absent, Lane none, Lane* to);
  Replace replace[8];  ///< by ElementType

  /// Whether every one of `count` ids is below `experts` and no `absent`, and none is twice in a
  /// row of k.   @param masks of slot_masks(k)   @param ids readable up to `lanes` + k behind
  bool (*sound)(const Lane* ids, std::size_t count, std::size_t k, const Lane* masks,
                std::uint32_t experts, Lane absent, bool has_absent);

  /// How many of `count` ids are also in the row of k before their own, `none` aside.
  /// @param ids readable from 2 k before to `lanes` behind
  std::int64_t (*overlap)(const Lane* ids, std::size_t count, std::size_t k, const Lane* masks,
                          Lane none, bool has_none);

  /// Adds how often each id in [0, experts) is among `count` ids to `counts`: every id is compared
  /// with every expert, which is faster than a counter an id for up to about `lanes` experts, and
  /// does not wait where neighbours are equal.   @param ids readable up to `lanes` behind
  void (*tally)(const Lane* ids, std::size_t count, std::uint32_t experts, std::uint16_t* counts);
};

template <class Lane>
const IdKernels<Lane>& id_kernels();  ///< of this processor
template <class Lane>
const IdKernels<Lane>& baseline_id_kernels();  ///< of every processor: for tests

bool has_avx2();  ///< this processor

/// Rows longer than this take the slow way: no router chooses as many.
inline constexpr std::size_t kMostMaskedSlots = 64;

/// Masks [phases, 2 k - 1, lanes]: mask j + k - 1 of phase p is set in lane i where the slot
/// s = (p * lanes + i) mod k and s + j are both in [0, k). Phase p + phases is phase p.
template <class Lane>
std::vector<Lane> slot_masks(std::size_t k, std::size_t lanes);

}  // namespace hotexpert
