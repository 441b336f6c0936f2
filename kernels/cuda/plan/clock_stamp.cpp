#include "kernels/cuda/plan/clock_stamp.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace hotexpert {
namespace {

bool is_pair(const ClockStamp& before, const ClockStamp& after) {
  return before.ns != 0 && after.ns > before.ns && after.cycles > before.cycles;
}

}  // namespace

std::optional<double> clock_between(std::span<const ClockStamp> before,
                                    std::span<const ClockStamp> after) {
  std::vector<double> clocks;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (!is_pair(before[i], after[i])) continue;
    clocks.push_back(1e9 * static_cast<double>(after[i].cycles - before[i].cycles) /
                     static_cast<double>(after[i].ns - before[i].ns));
  }
  if (clocks.empty()) return std::nullopt;
  const auto middle = clocks.begin() + std::ssize(clocks) / 2;
  std::nth_element(clocks.begin(), middle, clocks.end());
  return *middle;
}

bool anchor_tiles(std::span<const ClockStamp> before, std::span<const ClockStamp> after,
                  std::span<TileRecord> tiles) {
  const auto is_anchored = [&](const TileRecord& tile) {
    const auto sm = static_cast<std::size_t>(tile.worker);
    return tile.worker >= 0 && sm < before.size() && sm < after.size() &&
           is_pair(before[sm], after[sm]);
  };
  if (!std::ranges::all_of(tiles, is_anchored)) return false;
  for (auto& tile : tiles) {
    const auto& from = before[static_cast<std::size_t>(tile.worker)];
    const auto& to = after[static_cast<std::size_t>(tile.worker)];
    const double ns_a_cycle =
        static_cast<double>(to.ns - from.ns) / static_cast<double>(to.cycles - from.cycles);
    const auto at = [&](std::uint64_t cycles) {
      const auto passed = static_cast<std::int64_t>(cycles - from.cycles);
      return from.ns +
             static_cast<std::uint64_t>(std::llround(static_cast<double>(passed) * ns_a_cycle));
    };
    tile.begin_ns = at(tile.begin_ns);
    tile.end_ns = at(tile.end_ns);
  }
  return true;
}

}  // namespace hotexpert
