#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/tile_timeline.hpp"
#include "sim/base/statistics.hpp"
#include "sim/core/phase_times.hpp"

namespace hotexpert {

/// Why a step took longer than its balanced control.
enum class LedgerCause : std::uint8_t {
  kExpert,           ///< tiles of one expert, named: slow ones, or those others wait for
  kWorker,           ///< one worker, named, computes slower than the others
  kTokenRows,        ///< more or fewer token rows computed (drops)
  kRowPadding,       ///< rows that fill an expert's last tile
  kCapacityPadding,  ///< rows up to capacity, where no token is
  kWeightBytes,      ///< reading the weights of more or fewer active experts
  kTailWave,         ///< waiting up to one tile's time for the last tiles
  kHostGaps,         ///< time when nothing ran: launches and the host
  kMovement,         ///< route, permute and combine
  kAllToAll,         ///< dispatch and combine between ranks
  kClock,            ///< another processor clock
  kUnexplained,      ///< the rest, never hidden
};
std::string_view name(LedgerCause cause);  ///< "expert", "worker", "token_rows", …
std::vector<LedgerCause> ledger_causes();  ///< all of them, in this order

/// One timed pass of a layer with all that is known of it.
struct ObservedPass {
  PhaseTimes times;                ///< expert_ffn_s and total_s must be present
  TileTimeline timeline;           ///< of the expert phase, or phases
  std::optional<double> clock_hz;  ///< processor clock while it ran, where it can be read
  /// Seconds to read one expert's weights when nothing else limits, i.e. bytes / bandwidth; 0 =
  /// unknown or negligible.
  double weight_read_s = 0;
};

/// How long a tile takes when nothing is wrong: fixed_s + rows * second_a_row, by column tile. The
/// fixed part is what few rows wait for: their column block's weights.
struct TileReference {
  std::vector<double> fixed_s;       ///< [column tiles]
  std::vector<double> second_a_row;  ///< [column tiles]
  double tile_s = 0;                 ///< median time of a tile
  std::optional<double> clock_hz;    ///< median of the passes the times were taken from

  /// Seconds of `rows` rows, at this reference's clock; 0 for no rows.
  [[nodiscard]] double expected_s(std::int32_t column, double rows) const;
};

/// Learns tile times from passes without a known fault, each tile's share of weight reading
/// (ObservedPass::weight_read_s) taken off. Per column tile: medians by row count, then the median
/// of the slopes between them, weighted by their distance (Theil and Sen), and the median of what
/// is left; both at least 0. Where row counts do not span a factor of 1.5 the fixed part cannot be
/// told apart and is 0.
/// @param passes at least one, with tiles, all of one grid's column tiles
/// @throws std::logic_error otherwise
TileReference learn_tiles(std::span<const ObservedPass> passes);

struct LedgerEntry {
  LedgerCause cause = LedgerCause::kUnexplained;
  int index = -1;       ///< the expert, the worker, or the rank waited for; -1 where there is none
  double seconds = 0;   ///< of the step; negative when it made the measured step shorter
  std::string subject;  ///< "expert 7", "capacity padding"
  std::string meaning;  ///< "its tiles ran longer, or others waited for them"
  [[nodiscard]] std::string sentence() const;  ///< "expert 7: +1.234 ms, its tiles …"
};

/// Books every second between control and measurement to exactly one cause.
struct StragglerLedger {
  double measured_s = 0;
  double control_s = 0;
  std::vector<LedgerEntry> entries;  ///< largest magnitude first; they add up to the difference

  [[nodiscard]] double difference_s() const { return measured_s - control_s; }
  [[nodiscard]] double booked_s(LedgerCause cause) const;  ///< over all indices of the cause
  /// |unexplained| / |difference|; 0 when there is no difference.
  [[nodiscard]] double unexplained_fraction() const;
};

/// The ledger of a pass against its control.
///
/// Outside the expert phase: differences of the phases themselves; what belongs to no phase is host
/// gaps. Inside it, workers * span = busy + idle in both passes, so the difference is booked in
/// worker-seconds / workers:
/// - Busy: a tile's reference time is split into token rows, row padding and capacity padding; its
///   fixed part and its expert's share of weight reading are weight bytes (padding, where the tile
///   holds no token); the clock ratio less 1 is the clock, where readings differ by over 2 %. The
///   rest of a tile's time is excess. A worker whose tiles take more than 1.15 times as long as the
///   same experts' tiles elsewhere is slow; an expert whose tiles take more than 1.15 times their
///   reference on the other workers is slow; their excess is theirs. Other excess is unexplained.
///   A tile without rows is weight bytes, or, where it sums the parts that a hot expert's weight
///   gradient was split into, that expert's.
/// - Idle: a worker that waits is booked, for the time of one median tile, to the tail wave; beyond
///   that to what the others compute meanwhile, in equal parts: a slow worker, else the tile's
///   expert. Time in which nobody computes is host gaps.
/// @throws std::logic_error if a timeline has no tiles, the two have different numbers of workers,
/// or
///         expert_ffn_s is absent
StragglerLedger book_straggler(const ObservedPass& measured, const ObservedPass& control,
                               const TileReference& reference);
/// The same with tile times learnt from the control alone.
StragglerLedger book_straggler(const ObservedPass& measured, const ObservedPass& control);

/// Mean over several pairs of passes: of the totals and of every booking, so that it adds up too.
/// @throws std::logic_error for none
StragglerLedger mean_ledger(std::span<const StragglerLedger> ledgers);

/// What removing a cause really saved, beside what the ledger said.
struct Counterfactual {
  LedgerCause cause = LedgerCause::kUnexplained;
  double booked_s = 0;
  double saved_s = 0;      ///< median over pairs of (measured - without the cause)
  Interval saved_ci95;     ///< order-statistic interval
  bool confirmed = false;  ///< same sign, and booked within 25 % of saved or inside its interval
  std::string sentence;
};

/// Judges a re-run in which a cause was removed.
/// @param measured_s,without_s total_s of interleaved passes, pairwise; at least 6 pairs
/// @throws std::logic_error for fewer pairs or unequal counts
Counterfactual judge_counterfactual(LedgerCause cause, double booked_s,
                                    const std::vector<double>& measured_s,
                                    const std::vector<double>& without_s);

}  // namespace hotexpert
