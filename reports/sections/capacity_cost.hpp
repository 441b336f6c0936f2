#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace hotexpert {

inline constexpr double kLeastBend = 0.05;

/// What a capacity factor drops and what it costs.
struct CapacityCost {
  double factor = 0;
  double dropped = 0;  ///< share of assignments
  double time_s = 0;
};

/// The knee of the trade: the point farthest below the chord from the first to the last point, with
/// time and drops each scaled to [0, 1] over the factors tried ("Kneedle", Satopää et al. 2011, for
/// a falling convex curve). A function of the range that was tried.
/// @param costs by rising factor
/// @return nullopt below three points, where nothing is gained or nothing is paid, or where no
/// point lies below the chord
std::optional<std::size_t> knee_of(std::span<const CapacityCost> costs);

}  // namespace hotexpert
