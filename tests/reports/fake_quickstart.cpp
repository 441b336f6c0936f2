#include "tests/reports/fake_quickstart.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/random.hpp"

namespace hotexpert::test_support {
namespace {

constexpr int kExperts = 8;
constexpr int kTokens = 1024;
constexpr int kTopK = 2;
constexpr double kMean = static_cast<double>(kTokens) * kTopK / kExperts;
constexpr double kBaseSeconds = 0.0081;
constexpr int kSamples = 15;

Json manifest(const std::string& title, const Json& scenario) {
  Json out;
  out.set("schema", "hotexpert-run/1").set("title", title).set("created", "2026-01-31T12:00:00Z");
  Json program;
  out.set("program", program.set("name", "hotexpert").set("version", "0.1.0"));
  out.set("scenario", scenario).set("seed", 1);
  Json axes = Json::array();
  const auto add = [&](const char* name, const char* label, const char* unit) {
    Json axis;
    axes.push(axis.set("name", name).set("label", label).set("unit", unit));
  };
  add("skew.target", "skew", "");
  add("step.tokens", "tokens a step", "");
  add("trace.order", "token order", "");
  add("kernel", "kernel", "");
  add("capacity.factor", "capacity factor", "");
  out.set("axes", axes);
  Json environment;
  environment.set("cpu", "Example CPU with 2 cores")
      .set("threads", 2)
      .set("memory_bytes", 8'000'000'000.0);
  return out.set("environment", environment.set("compiler", "GCC 12.2").set("backend", "cpu"));
}

/// Loads whose hottest expert has `skew` times the mean and the others fall off evenly; ids
/// shuffled.
std::vector<double> loads_of(double skew) {
  std::vector<double> loads(kExperts);
  const double hottest = std::round(skew * kMean);
  double rest = kTokens * kTopK - hottest;
  for (int i = 1; i < kExperts; ++i) {
    const double tilt = (skew - 1) / 4;
    const double share = rest / (kExperts - 1) * (1 + tilt * (0.5 - (i - 1) / 6.0));
    loads[static_cast<std::size_t>(i * 3 % kExperts)] = std::round(share);
  }
  loads[0] = 0;
  loads[0] = kTokens * kTopK - std::accumulate(loads.begin(), loads.end(), 0.0);
  std::rotate(loads.begin(), loads.begin() + 3, loads.end());
  return loads;
}

/// Six steps of two layers: the hot expert moves by one a step, the second layer is balanced.
Series loads_by_step(const std::vector<double>& loads) {
  constexpr std::int64_t steps = 6;
  Series series{"load.by_expert",
                "count",
                Provenance::kCounted,
                {"step", "layer", "expert"},
                {steps, 2, kExperts},
                {},
                ""};
  for (std::int64_t step = 0; step < steps; ++step) {
    for (int e = 0; e < kExperts; ++e)
      series.values.push_back(loads[static_cast<std::size_t>((e + step) % kExperts)]);
    series.values.insert(series.values.end(), kExperts, kMean);
  }
  return series;
}

Measurement counted(const char* metric, double value) {
  return {metric, value, Provenance::kCounted, {}, {}, {}};
}

Measurement measured(const char* metric, const std::vector<double>& samples) {
  return {metric, median(samples), Provenance::kMeasured, samples, median_interval(samples), {}};
}

/// Dropped share of a batch, and the uniform router's by the normal approximation.
double dropped_share(const std::vector<double>& loads, double factor) {
  double dropped = 0;
  for (const double load : loads) dropped += std::max(0.0, load - std::ceil(kMean * factor));
  return dropped / (kTokens * kTopK);
}

double floor_share(double tokens, double factor) {
  const double mean = tokens * kTopK / kExperts;
  const double sigma = std::sqrt(mean * (1 - static_cast<double>(kTopK) / kExperts));
  const double z = mean * (factor - 1) / sigma;
  const double density = std::exp(-z * z / 2) / std::sqrt(2 * 3.141592653589793);
  return sigma * (density - z * std::erfc(z / std::sqrt(2.0)) / 2) / mean;
}

double slope_of(const std::string& kernel) {
  if (kernel == "padded") return 0.93;
  return kernel == "loop" ? 0.11 : 0.016;
}

void add_times(PointResult& result, const std::string& kernel, double skew, double seconds_factor,
               RandomStream& noise) {
  std::vector<double> total;
  std::vector<double> balanced;
  std::vector<double> tax;
  std::vector<double> ffn;
  const double flat = kBaseSeconds * (kernel == "loop" ? 1.15 : 1.0);
  for (int i = 0; i < kSamples; ++i) {
    const double drift = 1 + 0.002 * i;
    const double skewed = flat * seconds_factor * (1 + slope_of(kernel) * (skew - 1)) * drift *
                          (1 + 0.01 * noise.normal());
    total.push_back(skewed);
    balanced.push_back(flat * drift * (1 + 0.01 * noise.normal()));
    tax.push_back(total.back() / balanced.back() - 1);
    ffn.push_back(skewed - 0.0012);
  }
  auto& out = result.measurements;
  out.push_back(measured("layer.total_s", total));
  out.push_back(measured("layer.balanced_total_s", balanced));
  out.push_back(measured("layer.imbalance_tax", tax));
  out.push_back(measured("layer.route_s", std::vector<double>(kSamples, 0.00021)));
  out.push_back(measured("layer.permute_s", std::vector<double>(kSamples, 0.00047)));
  out.push_back(measured("layer.expert_ffn_s", ffn));
  out.push_back(measured("layer.combine_s", std::vector<double>(kSamples, 0.00052)));
}

}  // namespace

void write_quickstart_run(const std::string& dir, std::uint64_t seed, double slowdown) {
  const Json scenario = Json::parse(
      R"({"layer.experts":[8],"layer.top_k":[2],"layer.d_model":[512],"layer.d_ff":[1792],
          "layer.preset":["mixtral-8x7b"],"layer.scale":[8],"step.tokens":[1024],
          "skew.target":["max_over_mean=1","max_over_mean=1.5","max_over_mean=2","max_over_mean=3","max_over_mean=4"],
          "kernel":["padded","grouped","loop"],"capacity.factor":[1,1.25,1.5,2,"none"]})",
      "scenario");
  auto writer =
      RunWriter::create(dir, manifest("Quickstart: what does a hot expert cost?", scenario));
  std::uint32_t item = 0;
  for (const double skew : {1.0, 1.5, 2.0, 3.0, 4.0}) {
    const auto loads = loads_of(skew);
    for (const char* kernel : {"padded", "grouped", "loop"}) {
      for (const double factor : {1.0, 1.25, 1.5, 2.0, 0.0}) {
        PointResult result;
        const Json capacity = factor == 0 ? Json("none") : Json(factor);
        result.point = {{"skew.target", Json("max_over_mean=" + shortest(skew))},
                        {"kernel", Json(kernel)},
                        {"capacity.factor", capacity},
                        {"step.tokens", Json(kTokens)}};
        const double kept_skew = factor == 0 ? skew : std::min(skew, factor);
        const double max_over_mean = *std::max_element(loads.begin(), loads.end()) / kMean;
        result.measurements.push_back(counted("load.max_over_mean", max_over_mean));
        result.measurements.push_back(counted("load.active_experts", kExperts));
        if (factor != 0) {
          auto dropped = counted("drop.assignment_fraction", dropped_share(loads, factor));
          dropped.percentiles = Percentiles{dropped.value, 1.2 * dropped.value, 1.3 * dropped.value,
                                            1.4 * dropped.value};
          result.measurements.push_back(dropped);
          result.measurements.push_back({"drop.floor_fraction",
                                         floor_share(kTokens, factor),
                                         Provenance::kExpected,
                                         {},
                                         {},
                                         {}});
        }
        const bool hot = skew == 4 && std::string(kernel) == "grouped";
        RandomStream noise({seed, RandomPurpose::kTest, 0, 0}, item++);
        add_times(result, kernel, kept_skew, hot ? slowdown : 1, noise);
        result.series = {loads_by_step(loads),
                         {"load.measured_batch",
                          "count",
                          Provenance::kCounted,
                          {"expert"},
                          {kExperts},
                          loads,
                          ""},
                         {"load.balanced_batch",
                          "count",
                          Provenance::kCounted,
                          {"expert"},
                          {kExperts},
                          std::vector<double>(kExperts, kMean),
                          ""}};
        if (skew == 3 && factor == 2 && std::string(kernel) == "loop")
          result.warnings = {
              "2 of 15 samples of `layer.total_s` are outliers (beyond 3 IQR); the "
              "median is kept. Close other programs to narrow the interval."};
        writer.append(result);
      }
    }
  }
  PointResult skipped;
  skipped.point = {{"skew.target", Json("max_over_mean=4")},
                   {"kernel", Json("grouped-sm90")},
                   {"capacity.factor", Json("none")},
                   {"step.tokens", Json(kTokens)}};
  skipped.outcome = Outcome::kSkipped;
  skipped.reason = "no CUDA device is visible";
  writer.append(skipped);
}

void write_recorded_run(const std::string& dir) {
  const Json scenario = Json::parse(
      R"({"trace.file":["gpt-oss-20b/topk_ids_u8.npy"],"step.tokens":[256,4096],"trace.order":["recorded","shuffled"],
          "capacity.factor":[1,1.25,1.5,2],"backend":["none"]})",
      "scenario");
  auto writer = RunWriter::create(dir, manifest("Drops in a recorded trace", scenario));
  for (const int tokens : {256, 4096}) {
    for (const char* order : {"recorded", "shuffled"}) {
      for (const double factor : {1.0, 1.25, 1.5, 2.0}) {
        const bool recorded = std::string(order) == "recorded";
        const double spread = (recorded ? 0.42 : 0.25) + (tokens == 256 ? 0.14 : 0);
        const double dropped = 0.4 * spread * std::exp(-(factor - 1) / (1.3 * spread));
        PointResult result;
        result.point = {{"step.tokens", Json(tokens)},
                        {"trace.order", Json(order)},
                        {"capacity.factor", Json(factor)}};
        result.measurements = {counted("load.max_over_mean", 1 + 3 * spread),
                               counted("drop.assignment_fraction", dropped),
                               counted("drop.standard_error", dropped / 40),
                               {"drop.floor_fraction",
                                floor_share(tokens, factor),
                                Provenance::kExpected,
                                {},
                                {},
                                {}}};
        writer.append(result);
      }
    }
  }
}

}  // namespace hotexpert::test_support
