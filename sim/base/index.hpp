#pragma once
// From the signed counts of this code (experts, ranks, tokens) to a container's index.

#include <concepts>
#include <cstddef>

namespace hotexpert {

/// The place of a non-negative index i in a container.
template <std::signed_integral I>
constexpr std::size_t at(I i) noexcept {
  return static_cast<std::size_t>(i);
}

}  // namespace hotexpert
