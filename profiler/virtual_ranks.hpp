#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "profiler/annotate.hpp"
#include "profiler/layer_backend.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/phase_times.hpp"

namespace hotexpert {

/// A prepared layer of so many physical experts, no shared ones; the same layer for the same
/// number.
using LayerOfExperts = std::function<PreparedLayer&(int num_physical)>;

/// What Nsight shows beside the passes of one rank's plan; what it points to must outlive the
/// ranks.
using PayloadOfPlan = std::function<RangePayload(const DispatchPlan& local)>;

/// Whether ranks with the same rows for as many experts, in whatever order, are run once: an expert
/// costs what its rows cost.
enum class EqualLoads : std::uint8_t { kRunOnce, kRunApart };

/// What the last runs of a plan say, the straggler settled.
struct RankTimes {
  int straggler = 0;  ///< the rank with the largest median total, lower index on ties
  std::vector<PhaseTimes>
      samples;                  ///< of each run: the straggler's phases, every rank's expert time
  std::vector<double> ffn_s;    ///< [R] medians of the expert time
  std::vector<double> total_s;  ///< [R] medians of permute, experts and combine
};

/// An expert-parallel layer whose ranks run one after another on one device: each rank's true local
/// load goes through the real kernel and is timed. The layer's time is the slowest rank's; the
/// network is no part of it. Shared experts run on the tokens a rank owns.
/// Every rank computes with the same set of weights, so outputs are checked rank by rank but do not
/// add up to the layer's output.
class VirtualRanks {
 public:
  /// @param layer_of where layers come from; called by load()
  /// @param speed [R] what a rank's device does in the time this one needs 1; empty = all equal
  VirtualRanks(LayerOfExperts layer_of, int shared_experts, std::vector<double> speed,
               EqualLoads equal_loads = EqualLoads::kRunOnce);

  /// Cuts the plan into its ranks and loads those that differ.
  /// @param owned_tokens [R] tokens of each rank, for shared experts
  /// @return a handle for the functions below
  int load(
      const DispatchPlan& plan, std::span<const std::int64_t> owned_tokens,
      const PayloadOfPlan& payload_of = [](const DispatchPlan&) { return RangePayload{}; });

  /// Runs every distinct load once, each in the ranges step > layer. total_s and the phases are
  /// those of this run's slowest rank.
  PhaseTimes run(int handle);

  /// One traced pass of every rank, of loads that were kept apart. Experts are numbered as in the
  /// plan, shared ones behind them; tiles of shared experts follow those of routed ones.   @return
  /// [R]
  std::vector<TracedPass> run_traced(int handle);
  /// One pass of every rank with its stages told, see PreparedLayer::run_staged().
  void run_staged(int handle, StageObserver& observer);

  /// The straggler of the last `runs` runs, found by medians: a hiccup on another rank does not
  /// make it the straggler, as it would if each run's maximum counted.
  [[nodiscard]] RankTimes settle(int handle, std::size_t runs) const;

  /// Largest per-expert error, see PreparedLayer::verify(): of the rank with most rows, and of
  /// others in falling order of rows while `budget` rows last.
  /// @param bad_expert physical expert of the whole plan, or -1
  double verify(int handle, std::int64_t budget, int& bad_expert);

  /// Rows the kernel computes on all ranks together.
  [[nodiscard]] std::int64_t computed_rows(int handle) const;

  /// Loads that are timed in a run.
  [[nodiscard]] std::size_t distinct_loads(int handle) const;

 private:
  struct TimedLoad {
    PreparedLayer* layer = nullptr;
    int handle = 0;
    std::int64_t rows = 0;
    RangePayload payload;
    std::vector<int> experts;         // physical experts of the plan, in the local order
    std::vector<PhaseTimes> history;  // of every run
  };
  struct LoadedPlan {
    std::vector<TimedLoad> loads;
    std::vector<std::size_t> routed;  // [R] index into loads
    std::vector<std::size_t> shared;  // [R] index into loads; empty without shared experts
    int num_physical = 0;
  };

  [[nodiscard]] PhaseTimes time_of_rank(const LoadedPlan& plan, std::size_t rank,
                                        std::size_t run) const;

  LayerOfExperts layer_of_;
  int shared_experts_;
  std::vector<double> speed_;
  EqualLoads equal_loads_;
  std::vector<LoadedPlan> plans_;
};

}  // namespace hotexpert
