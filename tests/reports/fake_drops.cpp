#include "tests/reports/fake_drops.hpp"

#include <algorithm>
#include <cmath>

#include "reports/run_store.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert::test_support {
namespace {

constexpr int kLayers = 4;

Series series_of(std::string metric, Provenance provenance, std::vector<std::string> dims,
                 std::vector<std::int64_t> shape, std::vector<double> values) {
  return {std::move(metric), "fraction",        provenance, std::move(dims),
          std::move(shape),  std::move(values), ""};
}

double dropped_at(double factor, double spread) {
  return 0.5 * spread * std::exp(-factor / spread);
}

PointResult spectrum() {
  std::vector<double> rows;
  std::vector<double> floor;
  std::vector<double> shares;
  for (int capacity = 0; capacity <= 384; capacity += 8) {
    rows.push_back(capacity);
    floor.push_back(dropped_at(capacity / 128.0, 0.2));
  }
  for (const double spread : {0.5, 0.48, 0.6, 0.65, 0.7}) {
    for (const double capacity : rows) shares.push_back(dropped_at(capacity / 128, spread));
  }
  const auto size = static_cast<std::int64_t>(rows.size());
  PointResult point;
  point.point = {{"trace.file", Json("trace.npy")}, {"trace.layer", Json("all")}};
  point.measurements = {{"load.mean", 128, Provenance::kCounted}};
  point.series = {
      series_of("drop.spectrum_rows", Provenance::kCounted, {"capacity"}, {size}, rows),
      series_of("drop.spectrum_floor", Provenance::kExpected, {"capacity"}, {size}, floor),
      series_of("drop.spectrum", Provenance::kCounted, {"statistic", "capacity"}, {5, size},
                shares)};
  return point;
}

PointResult choice(const std::string& rule, const std::string& policy, double factor) {
  const double dropped = dropped_at(rule == "megatron" ? factor : factor / 2, 0.5);
  PointResult point;
  point.point = {{"trace.file", Json("trace.npy")},
                 {"trace.layer", Json("all")},
                 {"capacity.factor", Json(factor)},
                 {"capacity.rule", Json(rule)},
                 {"capacity.policy", Json(policy)}};
  point.measurements = {
      {"drop.assignment_fraction", dropped, Provenance::kCounted},
      {"drop.floor_fraction", dropped_at(factor, 0.2), Provenance::kExpected},
      {"drop.gate_mass_fraction", policy == "probs" ? dropped / 2 : dropped, Provenance::kCounted}};
  std::vector<double> deciles(10, dropped);
  std::vector<double> layers;
  if (policy == "position") {
    for (std::size_t i = 0; i < deciles.size(); ++i)
      deciles[i] = 2 * dropped * static_cast<double>(i) / 9;
  }
  for (int layer = 0; layer < kLayers; ++layer) layers.push_back(dropped * (0.4 + 0.4 * layer));
  const double first_rank = policy == "position" ? dropped / 2 : dropped;
  point.series = {series_of("drop.by_position", Provenance::kCounted, {"decile"}, {10}, deciles),
                  series_of("drop.by_source_rank", Provenance::kCounted, {"rank"}, {2},
                            {first_rank, 2 * dropped - first_rank}),
                  series_of("drop.by_layer", Provenance::kCounted, {"layer"}, {kLayers}, layers)};
  return point;
}

PointResult needed(int layer) {
  PointResult point;
  point.point = {{"trace.file", Json("trace.npy")},
                 {"trace.layer", layer < 0 ? Json("all") : Json(layer)},
                 {"capacity.rule", Json("megatron")},
                 {"max_drop", Json(0.01)},
                 {"in_steps", Json(0.95)}};
  point.measurements = {
      {"capacity.needed_factor", 1.5 + 0.25 * std::max(layer, 2), Provenance::kCounted},
      {"capacity.rows", 128 * (1.5 + 0.25 * std::max(layer, 2)), Provenance::kCounted}};
  return point;
}

}  // namespace

void write_drops_run(const std::string& dir) {
  Json manifest = small_manifest();
  manifest.set("title", "Drops of trace.npy");
  manifest.set("scenario", Json::object());
  auto writer = RunWriter::create(dir, manifest);
  writer.append(spectrum());
  for (const char* rule : {"megatron", "gshard"}) {
    for (const char* policy : {"position", "probs"}) {
      for (const double factor : {1.0, 1.25, 2.0}) writer.append(choice(rule, policy, factor));
    }
  }
  for (int layer = -1; layer < kLayers; ++layer) writer.append(needed(layer));
}

void write_capacity_run(const std::string& dir) {
  Json manifest = small_manifest();
  manifest.set("title", "Capacity factor: drops against time");
  manifest.set("scenario", Json::object());
  auto writer = RunWriter::create(dir, manifest);
  for (const double skew : {2.0, 4.0}) {
    for (const double factor : {1.0, 1.25, 1.5, 2.0, 3.0, 4.0}) {
      auto point = small_point(skew, "padded");
      point.point.push_back({"capacity.factor", Json(factor)});
      point.measurements[1].value = 0.02 * factor;
      point.measurements[1].ci95 = Interval{0.0198 * factor, 0.0202 * factor};
      point.measurements.push_back(
          {"drop.assignment_fraction", dropped_at(factor, 0.15 * skew), Provenance::kCounted});
      point.measurements.push_back(
          {"drop.floor_fraction", dropped_at(factor, 0.1), Provenance::kExpected});
      writer.append(point);
    }
  }
}

}  // namespace hotexpert::test_support
