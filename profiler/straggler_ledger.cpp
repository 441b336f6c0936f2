#include "profiler/straggler_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "profiler/ledger_parts.hpp"

namespace hotexpert {
namespace {

using ledger::Bookings;

constexpr double kNothing_s = 1e-12;  // what rounding leaves of equal bookings

/// A cause, its name, and what to say of it. `{}` stands for the expert or worker.
struct CauseRow {
  LedgerCause cause;
  std::string_view name;
  std::string_view subject;
  std::string_view meaning;
};

constexpr std::array kCauses = {
    CauseRow{LedgerCause::kExpert, "expert", "expert {}",
             "its tiles ran longer, or others waited for them"},
    CauseRow{LedgerCause::kWorker, "worker", "worker {}",
             "it computes slower than the others, and they waited for it"},
    CauseRow{LedgerCause::kTokenRows, "token_rows", "token rows",
             "the number of rows kept differs"},
    CauseRow{LedgerCause::kRowPadding, "row_padding", "row padding",
             "rows that fill the last tile of each expert"},
    CauseRow{LedgerCause::kCapacityPadding, "capacity_padding", "capacity padding",
             "rows up to capacity, where no token is"},
    CauseRow{LedgerCause::kWeightBytes, "weight_bytes", "weight bytes",
             "weights of another number of active experts are read"},
    CauseRow{LedgerCause::kTailWave, "tail_wave", "tail wave",
             "workers wait for the last tiles to end"},
    CauseRow{LedgerCause::kHostGaps, "host_gaps", "launch and host gaps", "nothing ran"},
    CauseRow{LedgerCause::kMovement, "movement", "route, permute and combine",
             "moving rows took another time"},
    CauseRow{LedgerCause::kAllToAll, "all_to_all", "all-to-all",
             "exchanging rows between ranks and waiting for them took another time"},
    CauseRow{LedgerCause::kClock, "clock", "clock", "the processor ran at another clock"},
    CauseRow{LedgerCause::kUnexplained, "unexplained", "unexplained",
             "none of the known causes accounts for it"},
};

const CauseRow& row_of(LedgerCause cause) {
  return *std::ranges::find(kCauses, cause, &CauseRow::cause);
}

LedgerEntry entry_of(LedgerCause cause, int index, double seconds) {
  if (cause == LedgerCause::kAllToAll && index >= 0)
    return {cause, index, seconds, fmt::format("all-to-all: wait for rank {}", index),
            "the other ranks had to wait for it"};
  const auto& row = row_of(cause);
  return {cause, index, seconds, fmt::format(fmt::runtime(row.subject), index),
          std::string(row.meaning)};
}

double or_zero(const std::optional<double>& seconds) { return seconds.value_or(0); }

double movement_s(const PhaseTimes& times) {
  return or_zero(times.route_s) + or_zero(times.permute_s) + or_zero(times.combine_s);
}

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(std::string("straggler ledger: ") + what);
}

void check(const ObservedPass& measured, const ObservedPass& control) {
  require(!measured.timeline.tiles.empty() && !control.timeline.tiles.empty(),
          "a pass without tiles");
  require(measured.timeline.grid.num_workers == control.timeline.grid.num_workers,
          "passes on different numbers of workers");
  require(measured.timeline.grid.column_tiles == control.timeline.grid.column_tiles,
          "passes with different column tiles");
  require(measured.times.expert_ffn_s && control.times.expert_ffn_s,
          "a pass without a timed expert phase");
}

}  // namespace

namespace ledger {

Bookings book_pass(const ObservedPass& pass, const TileReference& reference) {
  Bookings bookings;
  if (!pass.timeline.tiles.empty()) {  // a rank may have no rows
    const auto slowness = slowness_of(pass, reference);
    book_busy(pass, reference, slowness, bookings);
    book_idle(pass, reference, slowness, bookings);
    for (auto& [key, seconds] : bookings) seconds /= pass.timeline.grid.num_workers;
  }
  const double span_s =
      1e-9 * static_cast<double>(pass.timeline.end_ns() - pass.timeline.begin_ns());
  const double movement = movement_s(pass.times);
  const double all_to_all = or_zero(pass.times.all_to_all_s);
  bookings[{LedgerCause::kMovement, -1}] += movement;
  bookings[{LedgerCause::kAllToAll, -1}] += all_to_all;
  bookings[{LedgerCause::kHostGaps, -1}] += pass.times.total_s - movement - all_to_all - span_s;
  return bookings;
}

StragglerLedger ledger_of(double measured_s, double control_s, const Bookings& bookings) {
  StragglerLedger result{measured_s, control_s, {}};
  for (const auto& [key, seconds] : bookings) {
    const auto [cause, index] = key;
    if (std::abs(seconds) > kNothing_s) result.entries.push_back(entry_of(cause, index, seconds));
  }
  std::ranges::stable_sort(result.entries, std::greater{},
                           [](const LedgerEntry& entry) { return std::abs(entry.seconds); });
  return result;
}

}  // namespace ledger

std::string_view name(LedgerCause cause) { return row_of(cause).name; }

std::vector<LedgerCause> ledger_causes() {
  std::vector<LedgerCause> causes;
  for (const auto& row : kCauses) causes.push_back(row.cause);
  return causes;
}

std::string LedgerEntry::sentence() const {
  return fmt::format("{}: {:+.3f} ms, {}.", subject, 1e3 * seconds, meaning);
}

double StragglerLedger::booked_s(LedgerCause cause) const {
  double sum = 0;
  for (const auto& entry : entries) sum += entry.cause == cause ? entry.seconds : 0;
  return sum;
}

double StragglerLedger::unexplained_fraction() const {
  const double whole_s = std::abs(difference_s());
  return whole_s > 0 ? std::abs(booked_s(LedgerCause::kUnexplained)) / whole_s : 0;
}

StragglerLedger book_straggler(const ObservedPass& measured, const ObservedPass& control) {
  check(measured, control);
  return book_straggler(measured, control, learn_tiles(std::span(&control, 1)));
}

StragglerLedger book_straggler(const ObservedPass& measured, const ObservedPass& control,
                               const TileReference& reference) {
  check(measured, control);
  auto bookings = ledger::book_pass(measured, reference);
  for (const auto& [key, seconds] : ledger::book_pass(control, reference)) bookings[key] -= seconds;
  return ledger::ledger_of(measured.times.total_s, control.times.total_s, bookings);
}

StragglerLedger mean_ledger(std::span<const StragglerLedger> ledgers) {
  require(!ledgers.empty(), "a mean of no ledgers");
  const auto count = static_cast<double>(ledgers.size());
  Bookings bookings;
  double measured_s = 0;
  double control_s = 0;
  for (const auto& one : ledgers) {
    measured_s += one.measured_s / count;
    control_s += one.control_s / count;
    for (const auto& entry : one.entries)
      bookings[{entry.cause, entry.index}] += entry.seconds / count;
  }
  return ledger::ledger_of(measured_s, control_s, bookings);
}

Counterfactual judge_counterfactual(LedgerCause cause, double booked_s,
                                    const std::vector<double>& measured_s,
                                    const std::vector<double>& without_s) {
  require(measured_s.size() == without_s.size(), "pairs of different counts");
  std::vector<double> saved_s;
  for (std::size_t i = 0; i < measured_s.size(); ++i)
    saved_s.push_back(measured_s[i] - without_s[i]);
  const auto interval = median_interval(saved_s);
  require(interval.has_value(), "fewer than 6 pairs");

  Counterfactual verdict{cause, booked_s, median(saved_s), *interval, false, ""};
  const bool same_sign = booked_s * verdict.saved_s > 0;
  const bool near = std::abs(booked_s - verdict.saved_s) <= 0.25 * std::abs(verdict.saved_s);
  const bool inside = interval->low <= booked_s && booked_s <= interval->high;
  verdict.confirmed = same_sign && (near || inside);
  verdict.sentence =
      fmt::format("{}: booked {:+.3f} ms, removing it saved {:+.3f} ms [{:+.3f}, {:+.3f}]: {}.",
                  name(cause), 1e3 * booked_s, 1e3 * verdict.saved_s, 1e3 * interval->low,
                  1e3 * interval->high, verdict.confirmed ? "confirmed" : "not confirmed");
  return verdict;
}

}  // namespace hotexpert
