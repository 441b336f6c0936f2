#include <fmt/format.h>

#include "scenarios/runner/profile_point.hpp"

namespace hotexpert {
namespace {

Series series_of(std::string metric, std::string unit, std::string dim,
                 std::vector<double> values) {
  Series series;
  series.metric = std::move(metric);
  series.unit = std::move(unit);
  series.provenance = Provenance::kMeasured;
  series.dims = {std::move(dim)};
  series.shape = {static_cast<std::int64_t>(values.size())};
  series.values = std::move(values);
  return series;
}

/// Seconds booked to each expert or worker.
std::vector<double> booked_by_index(const StragglerLedger& ledger, LedgerCause cause,
                                    std::size_t count) {
  std::vector<double> seconds(count, 0);
  for (const auto& entry : ledger.entries) {
    if (entry.cause == cause) seconds.at(static_cast<std::size_t>(entry.index)) += entry.seconds;
  }
  return seconds;
}

/// The tiles of the shown pass, a series a field: what the report's timeline is drawn from.
void add_tiles(const TileTimeline& timeline, PointResult& result) {
  struct Field {
    const char* metric;
    const char* unit;
    double (*value)(const TileTimeline&, const TileRecord&);
  };
  const Field fields[] = {
      {"profile.tile_begin_s", "s",
       [](const TileTimeline& all, const TileRecord& tile) {
         return 1e-9 * static_cast<double>(tile.begin_ns - all.begin_ns());
       }},
      {"profile.tile_seconds", "s",
       [](const TileTimeline&, const TileRecord& tile) {
         return 1e-9 * static_cast<double>(tile.end_ns - tile.begin_ns);
       }},
      {"profile.tile_worker", "",
       [](const TileTimeline&, const TileRecord& tile) -> double { return tile.worker; }},
      {"profile.tile_expert", "",
       [](const TileTimeline&, const TileRecord& tile) -> double { return tile.expert; }},
      {"profile.tile_token_rows", "count",
       [](const TileTimeline& all, const TileRecord& tile) {
         return static_cast<double>(rows_of(all.grid, tile).token);
       }},
      {"profile.tile_padded_rows", "count",
       [](const TileTimeline& all, const TileRecord& tile) {
         const auto rows = rows_of(all.grid, tile);
         return static_cast<double>(rows.row_padding + rows.capacity_padding);
       }},
  };
  for (const auto& field : fields) {
    std::vector<double> values;
    for (const auto& tile : timeline.tiles) values.push_back(field.value(timeline, tile));
    result.series.push_back(series_of(field.metric, field.unit, "tile", std::move(values)));
  }
}

/// The mean over pairs of passes, with each pair's value and the interval of their median.
Measurement over_pairs(std::string metric, double mean, std::vector<double> samples) {
  Measurement measurement{std::move(metric), mean, Provenance::kMeasured};
  measurement.ci95 = median_interval(samples);
  measurement.samples = std::move(samples);
  return measurement;
}

void add_ledger(const LayerProfile& layer, const TileGrid& grid, PointResult& result) {
  const auto add = [&](std::string metric, double mean, auto value) {
    std::vector<double> samples;
    for (const auto& pair : layer.pairs) samples.push_back(value(pair));
    result.measurements.push_back(over_pairs(std::move(metric), mean, std::move(samples)));
  };
  const auto& ledger = layer.ledger;
  add("ledger.measured_s", ledger.measured_s, [](const auto& pair) { return pair.measured_s; });
  add("ledger.control_s", ledger.control_s, [](const auto& pair) { return pair.control_s; });
  for (const LedgerCause cause : ledger_causes())
    add(fmt::format("ledger.{}_s", name(cause)), ledger.booked_s(cause),
        [cause](const auto& pair) { return pair.booked_s(cause); });
  result.series.push_back(
      series_of("ledger.by_expert_s", "s", "expert",
                booked_by_index(ledger, LedgerCause::kExpert, grid.computed_rows.size())));
  result.series.push_back(series_of(
      "ledger.by_worker_s", "s", "worker",
      booked_by_index(ledger, LedgerCause::kWorker, static_cast<std::size_t>(grid.num_workers))));
}

}  // namespace

void profile_metrics(const PointProfile& profile, PointResult& result) {
  const auto& layer = profile.layer;
  Measurement overhead{"profile.trace_overhead", layer.trace_overhead.value, Provenance::kMeasured};
  overhead.samples = layer.trace_overhead.samples;
  overhead.ci95 = layer.trace_overhead.ci95;
  result.measurements.push_back(std::move(overhead));
  for (const auto& remark : profile.remarks) result.warnings.push_back(remark);
  if (!layer.untraced.empty()) return;

  const auto add = [&](std::string metric, double value) {
    result.measurements.push_back({std::move(metric), value, Provenance::kMeasured});
  };
  add("profile.span_s", layer.summary.span_s);
  add("profile.idle_fraction", layer.summary.idle_fraction);
  add("profile.padding_fraction", layer.summary.padding_share);
  add_ledger(layer, profile.shown.timeline.grid, result);
  add_tiles(profile.shown.timeline, result);
  result.series.push_back(
      series_of("profile.expert_share", "fraction", "expert", layer.summary.expert_share));
  result.series.push_back(
      series_of("profile.worker_tail_s", "s", "worker", layer.summary.worker_tail_s));
  std::vector<double> rows(profile.shown.timeline.grid.token_rows.begin(),
                           profile.shown.timeline.grid.token_rows.end());
  result.series.push_back(series_of("profile.expert_rows", "count", "expert", std::move(rows)));
}

}  // namespace hotexpert
