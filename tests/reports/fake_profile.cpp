#include "tests/reports/fake_profile.hpp"

#include <utility>
#include <vector>

#include "tests/reports/fake_run.hpp"

namespace hotexpert::test_support {
namespace {

Series series_of(const char* metric, const char* unit, const char* dim,
                 std::vector<double> values) {
  Series series;
  series.metric = metric;
  series.unit = unit;
  series.provenance = Provenance::kMeasured;
  series.dims = {dim};
  series.shape = {static_cast<std::int64_t>(values.size())};
  series.values = std::move(values);
  return series;
}

}  // namespace

void write_profile_run(const std::string& dir, double unexplained_s) {
  auto writer = RunWriter::create(dir, small_manifest());
  PointResult result = small_point(3, "padded");
  const auto add = [&](const char* metric, double seconds) {
    Measurement measurement{metric, seconds, Provenance::kMeasured};
    measurement.ci95 = Interval{seconds - 1e-5, seconds + 1e-5};
    result.measurements.push_back(std::move(measurement));
  };
  add("ledger.measured_s", 4.5e-3);
  add("ledger.control_s", 3.0e-3);
  add("ledger.expert_s", 0.1e-3);
  add("ledger.capacity_padding_s", 1.2e-3);
  add("ledger.tail_wave_s", 0.005e-3);
  add("ledger.movement_s", 0.145e-3);
  add("ledger.unexplained_s", unexplained_s);
  add("profile.idle_fraction", 0.024);
  add("rerun.capacity_padding_booked_s", 1.2e-3);
  add("rerun.capacity_padding_saved_s", 1.1e-3);
  add("rerun.capacity_padding_confirmed", 1);
  add("counter.intensity", 200);
  add("kernel.flops_per_s", 400e12);
  add("counter.expert_s", 3.9e-3);
  add("roof.flops_per_s", 1000e12);
  add("roof.bytes_per_s", 3e12);
  result.series.push_back(series_of("profile.tile_worker", "", "tile", {0, 0, 1, 1}));
  result.series.push_back(series_of("profile.tile_begin_s", "s", "tile", {0, 2e-3, 0, 2e-3}));
  result.series.push_back(
      series_of("profile.tile_seconds", "s", "tile", {2e-3, 2e-3, 2e-3, 2.1e-3}));
  result.series.push_back(series_of("profile.tile_expert", "", "tile", {0, 1, 2, 3}));
  result.series.push_back(series_of("profile.tile_token_rows", "count", "tile", {100, 30, 60, 10}));
  result.series.push_back(series_of("profile.tile_padded_rows", "count", "tile", {0, 70, 40, 90}));
  result.series.push_back(
      series_of("profile.expert_share", "fraction", "expert", {0.25, 0.25, 0.24, 0.26}));
  result.series.push_back(series_of("profile.expert_rows", "count", "expert", {100, 30, 60, 10}));
  result.series.push_back(series_of("ledger.by_expert_s", "s", "expert", {0.09e-3, 0.01e-3, 0, 0}));
  writer.append(result);
}

}  // namespace hotexpert::test_support
