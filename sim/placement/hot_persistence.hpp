#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// Whether the experts that are hot in one window are hot in a later one.
struct HotPersistence {
  int hot_experts = 0;      ///< the H most loaded experts of a layer count as hot: max(1, E / 8)
  std::int64_t window = 0;  ///< steps
  std::vector<double>
      overlap;        ///< [lags] share of a window's hot experts that are hot `lag` windows on
  double chance = 0;  ///< H / E: the overlap of unrelated windows
};

/// Overlap of hot experts between windows that follow each other, averaged over layers with load
/// and pairs of windows; ties in load go to the lower index. Lag 1 is element 0.
/// @param window steps, >= 1   @param max_lag at most this many lags; fewer where the trace is
/// short (none if it is shorter than two windows)
HotPersistence hot_persistence(const LoadMatrix& loads, std::int64_t window, int max_lag = 8);

/// How much of what a plan's window shows is still true when the plan serves: of the rows above an
/// even share that each step's own H hottest experts take, the part that the H hottest of the
/// plan's window take. 1 = the same experts are hot, 0 = the window tells nothing about the steps.
/// Summed over layers and over steps [begin, end), for plans at `first`, `first + interval`, …
/// @param interval steps between plans; 0 = one plan at `first`   @param window steps, <= first
double foresight(const LoadMatrix& loads, std::int64_t interval, std::int64_t window,
                 std::int64_t first, std::int64_t begin, std::int64_t end);

}  // namespace hotexpert
