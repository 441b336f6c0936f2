#include <fmt/format.h>

#include <algorithm>
#include <array>

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

/// The pass of each tile, as the report's timeline names them.
void add_passes(const TileTimeline& timeline, PointResult& result) {
  constexpr std::array<std::string_view, 4> kPasses = {"forward", "dgrad", "wgrad", "wgrad sums"};
  std::vector<double> values;
  for (const auto& tile : timeline.tiles) {
    const auto pass = std::ranges::find(kPasses, timeline.grid.band(tile.column_tile)->pass);
    values.push_back(static_cast<double>(pass - kPasses.begin()));
  }
  result.series.push_back(series_of("profile.tile_pass", "", "tile", std::move(values)));
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
  if (!timeline.grid.bands.empty()) add_passes(timeline, result);
  for (const auto& field : fields) {
    std::vector<double> values;
    for (const auto& tile : timeline.tiles) values.push_back(field.value(timeline, tile));
    result.series.push_back(series_of(field.metric, field.unit, "tile", std::move(values)));
  }
}

/// The mean over pairs of passes, with each pair's value and the interval of their median.
Measurement over_pairs(std::string metric, double mean, Provenance provenance,
                       std::vector<double> samples) {
  Measurement measurement{std::move(metric), mean, provenance};
  measurement.ci95 = median_interval(samples);
  measurement.samples = std::move(samples);
  return measurement;
}

/// @param exchange of the times of exchanges between ranks and of sums that hold them
void add_ledger(const LayerProfile& layer, const TileGrid& grid, Provenance exchange,
                PointResult& result) {
  const auto add = [&](std::string metric, double mean, Provenance provenance, auto value) {
    std::vector<double> samples;
    for (const auto& pair : layer.pairs) samples.push_back(value(pair));
    result.measurements.push_back(
        over_pairs(std::move(metric), mean, provenance, std::move(samples)));
  };
  const auto& ledger = layer.ledger;
  add("ledger.measured_s", ledger.measured_s, exchange,
      [](const auto& pair) { return pair.measured_s; });
  add("ledger.control_s", ledger.control_s, exchange,
      [](const auto& pair) { return pair.control_s; });
  for (const LedgerCause cause : ledger_causes())
    add(fmt::format("ledger.{}_s", name(cause)), ledger.booked_s(cause),
        cause == LedgerCause::kAllToAll ? exchange : Provenance::kMeasured,
        [cause](const auto& pair) { return pair.booked_s(cause); });
  result.series.push_back(
      series_of("ledger.by_expert_s", "s", "expert",
                booked_by_index(ledger, LedgerCause::kExpert, grid.computed_rows.size())));
  result.series.push_back(series_of(
      "ledger.by_worker_s", "s", "worker",
      booked_by_index(ledger, LedgerCause::kWorker, static_cast<std::size_t>(grid.num_workers))));
}

/// Booked and saved of each cause that was removed; the first re-run of a cause is its largest.
void add_reruns(const std::vector<Rerun>& reruns, PointResult& result) {
  for (const auto& rerun : reruns) {
    const auto metric = [&](const char* what) {
      return fmt::format("rerun.{}_{}", name(rerun.cause), what);
    };
    if (!rerun.ran || result.find(metric("saved_s")) != nullptr) continue;
    const auto& verdict = rerun.verdict;
    result.measurements.push_back({metric("booked_s"), verdict.booked_s, Provenance::kMeasured});
    Measurement saved{metric("saved_s"), verdict.saved_s, Provenance::kMeasured};
    saved.ci95 = verdict.saved_ci95;
    result.measurements.push_back(std::move(saved));
    result.measurements.push_back(
        {metric("confirmed"), verdict.confirmed ? 1.0 : 0.0, Provenance::kMeasured});
  }
}

/// Kernels launched, recorded and lost, so that a result says itself whether it is whole.
void add_conservation(const ProfiledRun& run, PointResult& result) {
  if (run.launches == 0) return;
  const auto add = [&](const char* metric, std::int64_t count) {
    result.measurements.push_back({metric, static_cast<double>(count), Provenance::kMeasured});
  };
  if (run.launches > 0) add("profile.launches", run.launches);
  add("profile.kernel_records", static_cast<std::int64_t>(run.activity.records.size()));
  add("profile.dropped_records", run.activity.dropped);
  if (const auto& overhead = run.activity_overhead) {
    Measurement measurement{"profile.activity_overhead", overhead->value, Provenance::kMeasured};
    measurement.samples = overhead->samples;
    measurement.ci95 = overhead->ci95;
    result.measurements.push_back(std::move(measurement));
  }
}

}  // namespace

void counter_metrics(const ExpertCounters& counters, double expert_flops, PointResult& result) {
  const auto add = [&](const char* metric, double value) {
    result.measurements.push_back({metric, value, Provenance::kMeasured});
  };
  add("counter.expert_s", counters.seconds);
  add("counter.dram_bytes", counters.dram_bytes);
  add("counter.intensity", expert_flops / counters.dram_bytes);
  if (counters.tensor_fraction) add("counter.tensor_fraction", *counters.tensor_fraction);
  if (counters.busiest_sm_over_mean)
    add("counter.sm_max_over_mean", *counters.busiest_sm_over_mean);
  add("kernel.flops_per_s", expert_flops / counters.seconds);
}

void roof_metrics(const DeviceDescription& device, DataType dtype, PointResult& result) {
  result.measurements.push_back(
      {"roof.flops_per_s",
       dtype == DataType::kBf16 ? device.peak_bf16_flops_per_s : device.peak_fp32_flops_per_s,
       Provenance::kModelled});
  result.measurements.push_back(
      {"roof.bytes_per_s", device.peak_memory_bytes_per_s, Provenance::kModelled});
}

void profile_metrics(const PointProfile& profile, PointResult& result) {
  const auto& layer = profile.layer;
  Measurement overhead{"profile.trace_overhead", layer.trace_overhead.value, Provenance::kMeasured};
  overhead.samples = layer.trace_overhead.samples;
  overhead.ci95 = layer.trace_overhead.ci95;
  result.measurements.push_back(std::move(overhead));
  for (const auto& doubt : profile.doubts) result.warnings.push_back(doubt.text);
  for (const auto& remark : profile.remarks) result.warnings.push_back(remark);
  add_conservation(profile.cupti, result);
  if (const auto counters = expert_counters(profile.cupti.counters))
    counter_metrics(*counters, profile.expert_flops, result);
  if (!layer.untraced.empty()) return;

  const auto add = [&](std::string metric, double value) {
    result.measurements.push_back({std::move(metric), value, Provenance::kMeasured});
  };
  add("profile.span_s", layer.summary.span_s);
  add("profile.idle_fraction", layer.summary.idle_fraction);
  add("profile.padding_fraction", layer.summary.padding_share);
  add("profile.unexplained_fraction", layer.ledger.unexplained_fraction());
  add("profile.pass_spread", layer.pass_spread);
  add("profile.taken_fraction", layer.taken_fraction);
  if (layer.measured_clock_hz) add("profile.clock_hz", *layer.measured_clock_hz);
  add_ledger(layer, profile.shown.timeline.grid,
             profile.ranks.ranks.empty() ? Provenance::kMeasured : Provenance::kModelled, result);
  add_reruns(profile.reruns, result);
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
