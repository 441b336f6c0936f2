#include "profiler/rank_ledger.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "profiler/ledger_parts.hpp"

namespace hotexpert {
namespace {

using ledger::Bookings;

/// 0 where nothing is known.
double last_s(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::ranges::max_element(values);
}

std::vector<double> totals_of(const RankedPass& pass) {
  std::vector<double> totals;
  for (const auto& rank : pass.ranks) totals.push_back(rank.times.total_s);
  return totals;
}

/// Books what each rank waits for the one that comes last.
void book_waits(const std::vector<double>& done_s, Bookings& bookings) {
  if (done_s.empty()) return;
  const auto last = std::ranges::max_element(done_s);
  for (const double done : done_s)
    bookings[{LedgerCause::kAllToAll, static_cast<int>(last - done_s.begin())}] += *last - done;
}

/// Seconds of the step by cause; they add up to step_s().
Bookings book_step(const RankedPass& pass, const TileReference& reference) {
  Bookings bookings;
  for (const auto& rank : pass.ranks) {
    for (const auto& [key, seconds] : ledger::book_pass(observed(rank), reference))
      bookings[key] += seconds;
  }
  for (const auto* way : {&pass.dispatch_s, &pass.return_s}) {
    for (const double seconds : *way) bookings[{LedgerCause::kAllToAll, -1}] += seconds;
    book_waits(*way, bookings);
  }
  book_waits(totals_of(pass), bookings);
  for (auto& [key, seconds] : bookings) seconds /= static_cast<double>(pass.ranks.size());
  return bookings;
}

}  // namespace

int RankedPass::straggler() const {
  const auto totals = totals_of(*this);
  return static_cast<int>(std::ranges::max_element(totals) - totals.begin());
}

double RankedPass::step_s() const {
  return last_s(dispatch_s) + last_s(totals_of(*this)) + last_s(return_s);
}

double RankedPass::wait_s(int rank) const {
  const auto r = static_cast<std::size_t>(rank);
  const auto own = [&](const std::vector<double>& way) { return way.empty() ? 0 : way[r]; };
  return step_s() - own(dispatch_s) - ranks[r].times.total_s - own(return_s);
}

StragglerLedger book_ranks(const RankedPass& measured, const RankedPass& control,
                           const TileReference& reference) {
  if (measured.ranks.size() != control.ranks.size() || measured.ranks.empty())
    throw std::logic_error("straggler ledger: steps of different numbers of ranks");
  auto bookings = book_step(measured, reference);
  for (const auto& [key, seconds] : book_step(control, reference)) bookings[key] -= seconds;
  return ledger::ledger_of(measured.step_s(), control.step_s(), bookings);
}

LayerProfile profile_of(const RankedSteps& steps) {
  LayerProfile profile;
  std::vector<double> steps_s;
  ArmSamples traced{"traced", {}, {}};
  ArmSamples untraced{"untraced", {}, {}};
  for (std::size_t i = 0; i < steps.measured.size(); ++i) {
    const auto& step = steps.measured[i];
    steps_s.push_back(step.step_s());
    traced.samples.emplace_back().total_s = last_s(totals_of(step));
    untraced.samples.emplace_back().total_s = steps.untraced_s[i];
  }
  profile.trace_overhead = paired_ratio(traced, untraced);
  profile.untraced = steps.measured.front().ranks.front().untraced;
  if (!profile.untraced.empty()) return profile;

  std::vector<TracedPass> measured;
  std::vector<TracedPass> control;
  std::vector<ObservedPass> healthy;
  for (std::size_t i = 0; i < steps.measured.size(); ++i) {
    const auto take = [](const RankedPass& step, std::vector<TracedPass>& into) {
      into.insert(into.end(), step.ranks.begin(), step.ranks.end());
    };
    take(steps.measured[i], measured);
    take(steps.control[i], control);
    for (const auto* step : {&steps.control[i], &steps.relabelled[i]}) {
      for (const auto& rank : step->ranks) healthy.push_back(observed(rank));
    }
  }
  watch_passes(measured, control, profile);
  profile.shown = nearest_to_median(steps_s);
  const auto& shown = steps.measured[profile.shown];
  summarise_shown(shown.ranks[static_cast<std::size_t>(shown.straggler())], profile);
  std::vector<double> control_s;
  for (const auto& step : steps.control) control_s.push_back(step.step_s());
  profile.pass_spread = std::max(relative_spread(steps_s), relative_spread(control_s));

  const TileReference reference = learn_tiles(healthy);
  std::vector<StragglerLedger> pairs;
  for (std::size_t i = 0; i < steps.measured.size(); ++i)
    pairs.push_back(book_ranks(steps.measured[i], steps.control[i], reference));
  keep_pairs(std::move(pairs), profile);
  return profile;
}

}  // namespace hotexpert
