#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert::test {

/// In which order the threads of a phase run: results must not depend on it.
enum class ThreadOrder { kRising, kFalling, kShuffled };

/// A thread block on the host: each phase runs its threads one after another.
struct HostBlock {
  ThreadOrder order = ThreadOrder::kRising;

  template <class Body>
  void each(int count, const Body& body) const {
    std::vector<int> threads(static_cast<std::size_t>(count));
    std::iota(threads.begin(), threads.end(), 0);
    if (order == ThreadOrder::kFalling) std::ranges::reverse(threads);
    if (order == ThreadOrder::kShuffled) {
      RandomStream stream({7, RandomPurpose::kTest, 0, 0}, static_cast<std::uint32_t>(count));
      for (std::size_t i = threads.size(); i > 1; --i)
        std::swap(threads[i - 1], threads[stream.below(static_cast<std::uint32_t>(i))]);
    }
    for (const int thread : threads) body(thread);
  }
};

}  // namespace hotexpert::test
