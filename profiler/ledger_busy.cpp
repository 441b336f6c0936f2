#include <algorithm>
#include <cmath>

#include "profiler/ledger_parts.hpp"
#include "sim/base/index.hpp"

namespace hotexpert::ledger {
namespace {

constexpr double kSlowFactor = 1.15;
constexpr double kSameClock = 0.02;  // readings of one clock scatter by less
constexpr int kPolishRounds = 4;

double duration_s(const TileRecord& tile) {
  return 1e-9 * static_cast<double>(tile.end_ns - tile.begin_ns);
}

double clock_factor(const ObservedPass& pass, const TileReference& reference) {
  if (!pass.clock_hz || !reference.clock_hz) return 1;
  const double factor = *reference.clock_hz / *pass.clock_hz;
  return std::abs(factor - 1) > kSameClock ? factor : 1;
}

/// What the reference expects of rows when the clock is slower by a factor. Weights come from
/// memory, whatever the clock.
double at_clock(const TileReference& reference, std::int32_t column, double rows, double clock) {
  return reference.expected_s(column, rows) +
         rows * reference.second_a_row[at(column)] * (clock - 1);
}

/// Time of each tile over what the reference expects of it.
std::vector<double> relative_times(const ObservedPass& pass, const TileReference& reference) {
  const auto weights_s = weight_share_s(pass);
  const double clock = clock_factor(pass, reference);
  std::vector<double> relative;
  for (const auto& tile : pass.timeline.tiles) {
    const auto rows = static_cast<double>(rows_of(pass.timeline.grid, tile).computed());
    const double expected_s =
        at_clock(reference, tile.column_tile, rows, clock) + weights_s[at(tile.expert)];
    relative.push_back(expected_s > 0 ? duration_s(tile) / expected_s : 1);
  }
  return relative;
}

/// Medians of `values` by key; 1 for a key without values. Divided by the median over all values.
template <class KeyOf>
std::vector<double> group_medians(const std::vector<TileRecord>& tiles,
                                  const std::vector<double>& values, std::size_t groups,
                                  KeyOf key_of) {
  std::vector<std::vector<double>> members(groups);
  for (std::size_t i = 0; i < tiles.size(); ++i) members[at(key_of(tiles[i]))].push_back(values[i]);
  const double common = median(values);
  std::vector<double> medians;
  for (const auto& group : members) medians.push_back(group.empty() ? 1 : median(group) / common);
  return medians;
}

void forget_noise(std::vector<double>& factors) {
  for (double& factor : factors) factor = factor > kSlowFactor ? factor : 1;
}

}  // namespace

std::vector<double> weight_share_s(const ObservedPass& pass) {
  std::vector<double> tiles(pass.timeline.grid.computed_rows.size(), 0);
  for (const auto& tile : pass.timeline.tiles) tiles[at(tile.expert)] += 1;
  for (double& count : tiles)
    count = count > 0 ? pass.weight_read_s * pass.timeline.grid.num_workers / count : 0;
  return tiles;
}

Slowness slowness_of(const ObservedPass& pass, const TileReference& reference) {
  const auto& tiles = pass.timeline.tiles;
  const auto relative = relative_times(pass, reference);
  const auto workers = at(pass.timeline.grid.num_workers);
  const auto experts = pass.timeline.grid.computed_rows.size();
  Slowness slowness{std::vector<double>(workers, 1), std::vector<double>(experts, 1)};
  for (int round = 0; round < kPolishRounds; ++round) {
    auto without_experts = relative;
    for (std::size_t i = 0; i < tiles.size(); ++i)
      without_experts[i] /= slowness.expert[at(tiles[i].expert)];
    slowness.worker = group_medians(tiles, without_experts, workers,
                                    [](const TileRecord& tile) { return tile.worker; });
    auto without_workers = relative;
    for (std::size_t i = 0; i < tiles.size(); ++i)
      without_workers[i] /= slowness.worker[at(tiles[i].worker)];
    slowness.expert = group_medians(tiles, without_workers, experts,
                                    [](const TileRecord& tile) { return tile.expert; });
  }
  forget_noise(slowness.worker);
  forget_noise(slowness.expert);
  return slowness;
}

void book_busy(const ObservedPass& pass, const TileReference& reference, const Slowness& slowness,
               Bookings& bookings) {
  const auto weights_s = weight_share_s(pass);
  const double clock = clock_factor(pass, reference);
  const auto book = [&](LedgerCause cause, int index, double seconds) {
    bookings[{cause, index}] += seconds;
  };
  for (const auto& tile : pass.timeline.tiles) {
    const auto rows = rows_of(pass.timeline.grid, tile);
    const auto computed = static_cast<double>(rows.computed());
    if (computed == 0) {
      const TileBand* band = pass.timeline.grid.band(tile.column_tile);
      const bool sums = band != nullptr && !band->holds_rows;
      book(sums ? LedgerCause::kExpert : LedgerCause::kWeightBytes, sums ? tile.expert : -1,
           duration_s(tile));
      continue;
    }
    const double row_s = reference.second_a_row[at(tile.column_tile)];
    const double fixed_s = reference.expected_s(tile.column_tile, computed) - computed * row_s;
    book(LedgerCause::kTokenRows, -1, static_cast<double>(rows.token) * row_s);
    book(LedgerCause::kRowPadding, -1, static_cast<double>(rows.row_padding) * row_s);
    book(LedgerCause::kCapacityPadding, -1, static_cast<double>(rows.capacity_padding) * row_s);
    book(rows.token > 0 ? LedgerCause::kWeightBytes : LedgerCause::kCapacityPadding, -1,
         fixed_s + weights_s[at(tile.expert)]);
    book(LedgerCause::kClock, -1, computed * row_s * (clock - 1));

    const double expected_s =
        at_clock(reference, tile.column_tile, computed, clock) + weights_s[at(tile.expert)];
    const double time_s = duration_s(tile);
    const double without_worker_s = time_s / slowness.worker[at(tile.worker)];
    const double without_both_s = without_worker_s / slowness.expert[at(tile.expert)];
    book(LedgerCause::kWorker, tile.worker, time_s - without_worker_s);
    book(LedgerCause::kExpert, tile.expert, without_worker_s - without_both_s);
    book(LedgerCause::kUnexplained, -1, without_both_s - expected_s);
  }
}

}  // namespace hotexpert::ledger
