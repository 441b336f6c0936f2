#include <algorithm>
#include <map>
#include <stdexcept>

#include "profiler/ledger_parts.hpp"
#include "sim/base/index.hpp"

namespace hotexpert {
namespace {

constexpr double kLeastSpread = 1.5;  // largest over smallest row count, to tell the parts apart

/// A tile's rows and its time without its share of weight reading.
struct TileTime {
  double rows;
  double seconds;
};

struct Line {
  double fixed_s = 0;
  double second_a_row = 0;
};

double median_of(const std::vector<TileTime>& tiles, double (*value)(const TileTime&, double),
                 double parameter = 0) {
  std::vector<double> values;
  for (const auto& tile : tiles) values.push_back(value(tile, parameter));
  return median(values);
}

/// The value at which half of the weight is reached.
double weighted_median(std::vector<std::pair<double, double>> values_and_weights) {
  std::ranges::sort(values_and_weights);
  double total = 0;
  for (const auto& [value, weight] : values_and_weights) total += weight;
  double sum = 0;
  for (const auto& [value, weight] : values_and_weights) {
    sum += weight;
    if (2 * sum >= total) return value;
  }
  return 0;
}

double slope_between_row_counts(const std::vector<TileTime>& tiles) {
  std::map<double, std::vector<double>> by_rows;
  for (const auto& tile : tiles) by_rows[tile.rows].push_back(tile.seconds);
  if (by_rows.size() < 2 || by_rows.rbegin()->first < kLeastSpread * by_rows.begin()->first)
    return 0;
  std::vector<TileTime> medians;
  for (const auto& [rows, seconds] : by_rows) medians.push_back({rows, median(seconds)});
  std::vector<std::pair<double, double>> slopes;
  for (std::size_t i = 0; i < medians.size(); ++i) {
    for (std::size_t j = i + 1; j < medians.size(); ++j) {
      const double distance = medians[j].rows - medians[i].rows;
      slopes.emplace_back((medians[j].seconds - medians[i].seconds) / distance, distance);
    }
  }
  return weighted_median(std::move(slopes));
}

Line line_through(const std::vector<TileTime>& tiles) {
  const double slope = slope_between_row_counts(tiles);
  const double fixed =
      slope > 0
          ? median_of(
                tiles,
                [](const TileTime& tile, double a_row) { return tile.seconds - tile.rows * a_row; },
                slope)
          : 0;
  if (slope > 0 && fixed > 0) return {fixed, slope};
  return {0,
          median_of(tiles, [](const TileTime& tile, double) { return tile.seconds / tile.rows; })};
}

}  // namespace

double TileReference::expected_s(std::int32_t column, double rows) const {
  return rows > 0 ? fixed_s[at(column)] + rows * second_a_row[at(column)] : 0;
}

TileReference learn_tiles(std::span<const ObservedPass> passes) {
  TileReference reference;
  std::vector<std::vector<TileTime>> by_column;
  std::vector<double> tile_s;
  std::vector<double> clocks_hz;
  for (const auto& pass : passes) {
    const auto& grid = pass.timeline.grid;
    by_column.resize(std::max(by_column.size(), static_cast<std::size_t>(grid.column_tiles)));
    const auto weights_s = ledger::weight_share_s(pass);
    for (const auto& tile : pass.timeline.tiles) {
      const double seconds = 1e-9 * static_cast<double>(tile.end_ns - tile.begin_ns);
      tile_s.push_back(seconds);
      const auto rows = static_cast<double>(rows_of(grid, tile).computed());
      if (rows == 0) continue;
      by_column.at(at(tile.column_tile))
          .push_back({rows, std::max(0.0, seconds - weights_s[at(tile.expert)])});
    }
    if (pass.clock_hz) clocks_hz.push_back(*pass.clock_hz);
  }
  if (tile_s.empty())
    throw std::logic_error("straggler ledger: tile times of passes without tiles");
  for (const auto& tiles : by_column) {
    const Line line = tiles.empty() ? Line{} : line_through(tiles);
    reference.fixed_s.push_back(line.fixed_s);
    reference.second_a_row.push_back(line.second_a_row);
  }
  reference.tile_s = median(tile_s);
  if (!clocks_hz.empty()) reference.clock_hz = median(clocks_hz);
  return reference;
}

}  // namespace hotexpert
