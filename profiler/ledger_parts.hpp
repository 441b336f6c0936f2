#pragma once

#include <map>
#include <utility>
#include <vector>

#include "profiler/straggler_ledger.hpp"

namespace hotexpert::ledger {

/// Worker-seconds by cause and index (-1 = none).
using Bookings = std::map<std::pair<LedgerCause, int>, double>;

/// Worker-seconds that reading an expert's weights adds to each of its tiles: all workers share the
/// bandwidth, the expert's tiles share the reading.   @return [P]
std::vector<double> weight_share_s(const ObservedPass& pass);

/// How much slower than the reference each worker and each expert computes; 1 where it is not slow.
struct Slowness {
  std::vector<double> worker;  ///< [workers]
  std::vector<double> expert;  ///< [P]
};

/// Separates slow workers from slow experts by median polish over tile time / reference time:
/// alternately each worker's median over its tiles (experts divided out) and each expert's median
/// over its tiles (workers divided out). What all tiles share is neither's. Factors up to 1.15 are
/// noise and become 1.
Slowness slowness_of(const ObservedPass& pass, const TileReference& reference);

/// Books all busy time of the expert phase.
void book_busy(const ObservedPass& pass, const TileReference& reference, const Slowness& slowness,
               Bookings& bookings);

/// Books all time between the first begin and the last end in which a worker computed nothing.
void book_idle(const ObservedPass& pass, const TileReference& reference, const Slowness& slowness,
               Bookings& bookings);

/// Seconds of the step by cause; they add up to total_s.
Bookings book_pass(const ObservedPass& pass, const TileReference& reference);

/// The entries of what was booked, the largest first.
StragglerLedger ledger_of(double measured_s, double control_s, const Bookings& bookings);

}  // namespace hotexpert::ledger
