#include "tests/reports/fake_lab.hpp"

#include <cmath>

#include "reports/run_store.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert::test_support {
namespace {

constexpr int kParts = 20;

/// What a method at a weight does to the router of a seed.
struct Lab {
  std::string method;
  double weight = 0;  ///< 0 = none
  int seed = 1;
  double skew = 1;  ///< max/mean at the end
  double loss = 0;
};

Lab lab_of(const std::string& method, double weight, int seed) {
  Lab lab{method, weight, seed, 6, 0.07};
  if (weight > 0) {
    lab.skew = 1.1 + 0.004 / weight;
    lab.loss = 0.045 + 0.0002 * std::pow(std::log10(weight / 0.01), 2);
  }
  if (method == "bias") lab.skew += 0.1;
  lab.skew += 0.01 * seed;
  lab.loss *= 1 + 0.001 * seed;
  return lab;
}

Series curve(const std::string& name, const std::string& unit, Provenance provenance,
             double (*value)(const Lab&, double), const Lab& lab) {
  Series series{name, unit, provenance, {"step"}, {kParts}, {}, ""};
  for (int part = 1; part <= kParts; ++part) {
    series.values.push_back(value(lab, static_cast<double>(part) / kParts));
  }
  return series;
}

PointResult point_of(const Lab& lab) {
  PointResult result;
  result.point = {{"seed", Json(lab.seed)},
                  {"train.method", Json(lab.method)},
                  {"train.weight", lab.weight > 0 ? Json(lab.weight) : Json("none")}};
  const auto add = [&](const char* metric, double value, Provenance provenance) {
    result.measurements.push_back({metric, value, provenance});
  };
  add("load.max_over_mean", lab.skew, Provenance::kCounted);
  add("load.dead_experts", lab.weight > 0 ? 0 : 5, Provenance::kCounted);
  add("drop.assignment_fraction@1.25", (lab.skew - 1) / 10, Provenance::kCounted);
  add("train.task_loss", lab.loss, Provenance::kSimulated);
  add("train.end_loss", lab.loss, Provenance::kSimulated);
  add("train.max_vio", lab.skew - 1, Provenance::kSimulated);
  add("train.hottest_share", lab.skew / 16, Provenance::kSimulated);
  add("train.settle_step", 100, Provenance::kSimulated);
  if (lab.method == "bias") add("train.bias_cycle", lab.weight, Provenance::kSimulated);
  add("layer.total_s@grouped", 0.002, Provenance::kMeasured);
  add("layer.total_s@padded", 0.002 * lab.skew, Provenance::kMeasured);
  add("train.wall_s@grouped", 2, Provenance::kModelled);
  add("train.wall_s@padded", 2 * lab.skew, Provenance::kModelled);
  using enum Provenance;
  result.series.push_back(curve(
      "curve.step", "count", kSimulated, [](const Lab&, double t) { return 1000 * t; }, lab));
  result.series.push_back(curve(
      "curve.task_loss", "loss", kSimulated,
      [](const Lab& l, double t) { return l.loss * (1 + 9 * std::exp(-8 * t)); }, lab));
  result.series.push_back(curve(
      "curve.max_over_mean", "ratio", kSimulated,
      [](const Lab& l, double t) { return 2 + (l.skew - 2) * (1 - std::exp(-6 * t)); }, lab));
  result.series.push_back(curve(
      "curve.hottest_share", "fraction", kSimulated,
      [](const Lab& l, double t) { return (1 + (l.skew - 1) * t) / 16; }, lab));
  result.series.push_back(curve(
      "curve.hottest_gradient_share", "fraction", kSimulated,
      [](const Lab& l, double t) { return (1 + (l.skew - 1) * t) / 20; }, lab));
  result.series.push_back(curve(
      "curve.hottest_loss", "loss", kSimulated,
      [](const Lab& l, double t) { return l.loss * (2 - t); }, lab));
  result.series.push_back(curve(
      "curve.other_loss", "loss", kSimulated, [](const Lab& l, double) { return l.loss * 1.5; },
      lab));
  result.series.push_back(curve(
      "curve.idle_experts", "count", kSimulated,
      [](const Lab& l, double t) { return l.weight > 0 ? 0.0 : 5 * t; }, lab));
  Series wall{"curve.wall_s", "s", kModelled, {"kernel", "step"}, {2, kParts}, {}, ""};
  for (const double total : {2.0, 2 * lab.skew}) {
    for (int part = 1; part <= kParts; ++part) wall.values.push_back(total * part / kParts);
  }
  result.series.push_back(std::move(wall));
  return result;
}

}  // namespace

void write_lab_run(const std::string& dir) {
  Json manifest = small_manifest();
  Json axes = Json::array();
  for (const char* name : {"seed", "train.method", "train.weight"}) {
    axes.push(Json::object().set("name", name).set("label", name).set("unit", ""));
  }
  manifest.set("title", "Lab").set("axes", std::move(axes)).set("scenario", Json::object());
  auto writer = RunWriter::create(dir, manifest);
  for (const int seed : {1, 2, 3}) {
    writer.append(point_of(lab_of("none", 0, seed)));
    for (const char* method : {"megatron", "bias"}) {
      for (const double weight : {0.001, 0.01, 0.1}) {
        writer.append(point_of(lab_of(method, weight, seed)));
      }
    }
  }
}

}  // namespace hotexpert::test_support
