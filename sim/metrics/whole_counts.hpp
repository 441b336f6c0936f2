#pragma once

#include <cstdint>
#include <vector>

#include "sim/metrics/value_counts.hpp"

namespace hotexpert {

/// A multiset of whole numbers in [0, 2^53), such as the drops of many steps at one capacity: most
/// lie close together, and cost one counter each in a window that the first few hundred values
/// place. The others are kept as ValueCounts keeps them.
class WholeCounts {
 public:
  void add(std::int64_t value) {
    const auto place = static_cast<std::uint64_t>(value - first_);
    if (place < window_.size()) {
      ++window_[place];
    } else {
      add_outside(value);
    }
  }
  void merge(const WholeCounts& other);

  /// Every value over `divisor` >= 1, as a double.
  [[nodiscard]] ValueCounts divided_by(std::int64_t divisor) const;

 private:
  void add_outside(std::int64_t value);
  void open_window();

  std::int64_t first_ = 0;             // of the window
  std::vector<std::int64_t> window_;   // how often first_ + i came
  std::vector<std::int64_t> waiting_;  // before the window opens
  ValueCounts outside_;
};

}  // namespace hotexpert
