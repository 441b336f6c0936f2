#include <algorithm>
#include <tuple>

#include "profiler/ledger_parts.hpp"
#include "sim/base/index.hpp"

namespace hotexpert::ledger {
namespace {

/// A worker takes up a tile or lays it down.
struct Change {
  std::uint64_t time_ns;
  bool begins;
  const TileRecord* tile;
};

std::vector<Change> changes_of(const TileTimeline& timeline) {
  std::vector<Change> changes;
  for (const auto& tile : timeline.tiles) {
    changes.push_back({tile.begin_ns, true, &tile});
    changes.push_back({tile.end_ns, false, &tile});
  }
  std::ranges::sort(changes, {}, [](const Change& change) {
    return std::tuple(change.time_ns, change.begins, change.tile->worker);
  });
  return changes;
}

/// Nanoseconds of [begin, end) that lie at or after `from`.
std::uint64_t part_after(std::uint64_t begin, std::uint64_t end, std::uint64_t from) {
  return from >= end ? 0 : end - std::max(begin, from);
}

/// What each worker does while time passes from change to change.
class IdleSweep {
 public:
  IdleSweep(const ObservedPass& pass, const TileReference& reference, const Slowness& slowness,
            Bookings& bookings)
      : running_(at(pass.timeline.grid.num_workers), nullptr),
        idle_since_ns_(running_.size(), pass.timeline.begin_ns()),
        grace_ns_(static_cast<std::uint64_t>(1e9 * reference.tile_s)),
        slowness_(slowness),
        bookings_(bookings) {}

  void pass_time(std::uint64_t begin_ns, std::uint64_t end_ns) {
    const auto busy =
        running_.size() - static_cast<std::size_t>(std::ranges::count(running_, nullptr));
    std::uint64_t waited_long_ns = 0;
    for (std::size_t worker = 0; worker < running_.size(); ++worker) {
      if (running_[worker] != nullptr) continue;
      const auto idle_ns = end_ns - begin_ns;
      if (busy == 0) {
        book(LedgerCause::kHostGaps, -1, static_cast<double>(idle_ns));
        continue;
      }
      const auto long_ns = part_after(begin_ns, end_ns, idle_since_ns_[worker] + grace_ns_);
      book(LedgerCause::kTailWave, -1, static_cast<double>(idle_ns - long_ns));
      waited_long_ns += long_ns;
    }
    if (waited_long_ns > 0)
      book_to_running(static_cast<double>(waited_long_ns) / static_cast<double>(busy));
  }

  void apply(const Change& change) {
    running_[at(change.tile->worker)] = change.begins ? change.tile : nullptr;
    if (!change.begins) idle_since_ns_[at(change.tile->worker)] = change.time_ns;
  }

 private:
  void book(LedgerCause cause, int index, double ns) { bookings_[{cause, index}] += 1e-9 * ns; }

  void book_to_running(double ns_each) {
    for (const auto* tile : running_) {
      if (tile == nullptr) continue;
      if (slowness_.worker[at(tile->worker)] > 1) {
        book(LedgerCause::kWorker, tile->worker, ns_each);
      } else {
        book(LedgerCause::kExpert, tile->expert, ns_each);
      }
    }
  }

  std::vector<const TileRecord*> running_;
  std::vector<std::uint64_t> idle_since_ns_;
  std::uint64_t grace_ns_;
  const Slowness& slowness_;
  Bookings& bookings_;
};

}  // namespace

void book_idle(const ObservedPass& pass, const TileReference& reference, const Slowness& slowness,
               Bookings& bookings) {
  IdleSweep sweep(pass, reference, slowness, bookings);
  std::uint64_t now_ns = pass.timeline.begin_ns();
  for (const auto& change : changes_of(pass.timeline)) {
    if (change.time_ns > now_ns) sweep.pass_time(now_ns, change.time_ns);
    now_ns = change.time_ns;
    sweep.apply(change);
  }
}

}  // namespace hotexpert::ledger
