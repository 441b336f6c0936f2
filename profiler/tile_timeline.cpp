#include "profiler/tile_timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>

#include "sim/base/index.hpp"

namespace hotexpert {
namespace {

double seconds(std::uint64_t begin_ns, std::uint64_t end_ns) {
  return 1e-9 * static_cast<double>(end_ns - begin_ns);
}

bool is_in_range(const TileGrid& grid, const TileRecord& tile) {
  return tile.worker >= 0 && tile.worker < grid.num_workers && tile.expert >= 0 &&
         at(tile.expert) < grid.computed_rows.size();
}

void find_wrong_counts(const TileTimeline& timeline, std::vector<std::string>& faults) {
  const auto& grid = timeline.grid;
  std::vector<std::int64_t> seen(grid.computed_rows.size(), 0);
  std::set<std::tuple<int, int, int>> positions;
  for (const auto& tile : timeline.tiles) {
    if (!is_in_range(grid, tile)) continue;
    ++seen[at(tile.expert)];
    if (!positions.emplace(tile.expert, tile.row_tile, tile.column_tile).second)
      faults.push_back(fmt::format("Tile ({}, {}) of expert {} was computed twice.", tile.row_tile,
                                   tile.column_tile, tile.expert));
  }
  for (std::size_t expert = 0; expert < seen.size(); ++expert) {
    const auto needed = grid.tiles(static_cast<int>(expert));
    if (seen[expert] != needed)
      faults.push_back(fmt::format("Expert {} has {} tiles, {} rows need {}.", expert, seen[expert],
                                   grid.computed_rows[expert], needed));
  }
}

void find_impossible_times(const TileTimeline& timeline, std::vector<std::string>& faults) {
  const TileRecord* before = nullptr;
  for (const auto& tile : timeline.tiles) {
    if (!is_in_range(timeline.grid, tile))
      faults.push_back(fmt::format("A tile names expert {} and worker {}, which do not exist.",
                                   tile.expert, tile.worker));
    if (tile.end_ns <= tile.begin_ns)
      faults.push_back(fmt::format("A tile of expert {} ends before it begins.", tile.expert));
    if (before != nullptr && before->worker == tile.worker && before->end_ns > tile.begin_ns)
      faults.push_back(fmt::format("Worker {} computes tiles of experts {} and {} at one time.",
                                   tile.worker, before->expert, tile.expert));
    before = &tile;
  }
}

std::vector<BandSummary> summarise_bands(const TileTimeline& timeline) {
  std::vector<BandSummary> bands;
  std::int64_t first_column = 0;
  for (const auto& band : timeline.grid.bands) {
    BandSummary& one = bands.emplace_back();
    one.pass = band.pass;
    std::uint64_t begin_ns = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t end_ns = 0;
    for (const auto& tile : timeline.tiles) {
      if (tile.column_tile < first_column || tile.column_tile >= first_column + band.column_tiles)
        continue;
      const double duration_s = seconds(tile.begin_ns, tile.end_ns);
      ++one.tiles;
      one.busy_s += duration_s;
      begin_ns = std::min(begin_ns, tile.begin_ns);
      end_ns = std::max(end_ns, tile.end_ns);
      if (duration_s <= one.longest_s) continue;
      one.longest_s = duration_s;
      one.longest_expert = tile.expert;
    }
    first_column += band.column_tiles;
    if (one.tiles == 0) continue;
    one.begin_s = seconds(timeline.begin_ns(), begin_ns);
    one.span_s = seconds(begin_ns, end_ns);
  }
  return bands;
}

/// Time that lies in at least one of the bands. They begin in order, except for sums inside theirs.
double covered_s(const std::vector<BandSummary>& bands) {
  double sum_s = 0;
  double end_s = 0;
  for (const auto& band : bands) {
    const double band_end_s = band.begin_s + band.span_s;
    sum_s += std::max(0.0, band_end_s - std::max(end_s, band.begin_s));
    end_s = std::max(end_s, band_end_s);
  }
  return sum_s;
}

}  // namespace

TileTimeline make_timeline(TileGrid grid, std::vector<TileRecord> records) {
  std::ranges::sort(records, {}, [](const TileRecord& tile) {
    return std::tuple(tile.worker, tile.begin_ns, tile.end_ns, tile.expert, tile.row_tile);
  });
  return {std::move(grid), std::move(records)};
}

std::uint64_t TileTimeline::begin_ns() const {
  return tiles.empty() ? 0 : std::ranges::min(tiles, {}, &TileRecord::begin_ns).begin_ns;
}

std::uint64_t TileTimeline::end_ns() const {
  return tiles.empty() ? 0 : std::ranges::max(tiles, {}, &TileRecord::end_ns).end_ns;
}

std::vector<std::string> timeline_faults(const TileTimeline& timeline) {
  std::vector<std::string> faults;
  find_wrong_counts(timeline, faults);
  find_impossible_times(timeline, faults);
  return faults;
}

TileRows rows_of(const TileGrid& grid, const TileRecord& tile) {
  const TileBand* band = grid.band(tile.column_tile);
  if (band != nullptr && !band->holds_rows) return {};
  const std::int64_t height = grid.tile_rows(tile.expert, tile.column_tile);
  const std::int64_t first = tile.row_tile * height;
  const auto within = [&](std::int64_t rows) {
    return std::clamp<std::int64_t>(rows - first, 0, height);
  };
  const auto token = within(grid.token_rows[at(tile.expert)]);
  const auto told = within(grid.computed_rows[at(tile.expert)]);
  return {token, grid.computes_full_tiles ? height - told : 0, told - token};
}

TimelineSummary summarise(const TileTimeline& timeline) {
  const auto& grid = timeline.grid;
  const auto begin_ns = timeline.begin_ns();
  const auto end_ns = timeline.end_ns();
  TimelineSummary summary;
  summary.bands = summarise_bands(timeline);
  summary.span_s = summary.bands.empty() ? seconds(begin_ns, end_ns) : covered_s(summary.bands);
  summary.expert_share.assign(grid.computed_rows.size(), 0);
  summary.expert_end_s.assign(grid.computed_rows.size(), 0);
  summary.worker_busy_s.assign(at(grid.num_workers), 0);
  summary.worker_tail_s.assign(at(grid.num_workers), seconds(begin_ns, end_ns));
  double padding_s = 0;
  for (const auto& tile : timeline.tiles) {
    const double duration_s = seconds(tile.begin_ns, tile.end_ns);
    const auto rows = rows_of(grid, tile);
    const auto padded = static_cast<double>(rows.row_padding + rows.capacity_padding);
    auto& expert_end_s = summary.expert_end_s[at(tile.expert)];
    summary.busy_s += duration_s;
    summary.expert_share[at(tile.expert)] += duration_s;
    summary.worker_busy_s[at(tile.worker)] += duration_s;
    summary.worker_tail_s[at(tile.worker)] = seconds(tile.end_ns, end_ns);
    expert_end_s = std::max(expert_end_s, seconds(begin_ns, tile.end_ns));
    if (rows.computed() > 0)
      padding_s += duration_s * padded / static_cast<double>(rows.computed());
  }
  if (summary.busy_s > 0) {
    for (double& share : summary.expert_share) share /= summary.busy_s;
    summary.padding_share = padding_s / summary.busy_s;
    summary.idle_fraction = 1 - summary.busy_s / (grid.num_workers * summary.span_s);
  }
  for (std::size_t expert = 0; expert < summary.expert_end_s.size(); ++expert) {
    if (summary.expert_end_s[expert] > 0)
      summary.experts_by_last_end.push_back(static_cast<int>(expert));
  }
  std::ranges::stable_sort(summary.experts_by_last_end, std::greater{},
                           [&](int expert) { return summary.expert_end_s[at(expert)]; });
  return summary;
}

}  // namespace hotexpert
