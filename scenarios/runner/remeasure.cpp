#include "scenarios/runner/remeasure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "profiler/environment.hpp"
#include "profiler/slowed_arm.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/timed.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr int kMaxWarmupWindows = 3;
constexpr double kWarmupShare = 1.3;  ///< passes of a comparison over its samples

/// The scenario of a run, from its manifest.
Scenario scenario_of(const Run& run) {
  Scenario scenario;
  for (const auto& [axis, values] : run.manifest.at("scenario").as_object()) {
    std::string text;
    for (const auto& value : values.as_array())
      text += (text.empty() ? "" : ",") + (value.is_string() ? value.as_string() : value.dump());
    scenario.set(axis, text, "manifest.json");
  }
  return scenario;
}

/// Everything a pass of the point needs, and what it is timed with.
struct Workplace {
  BackendPool backends;
  TraceCache traces{available_threads()};
  PreparedLayer* layer = nullptr;
  int handle = -1;
  SteadyClock clock;

  std::vector<double> times_s(double slowdown, int samples) {
    const Arm arm = slowed_arm({"layer", [&] { return layer->run(handle); }}, slowdown, clock);
    MeasureOptions options;
    options.min_samples = samples;
    options.max_samples = samples;
    options.max_warmup_windows = kMaxWarmupWindows;
    return totals_s(measure({&arm, 1}, options, clock).arms[0]);
  }
};

/// The axes of `whole` that `known` has too: an older run does not name axes that came later.
Point shared_axes(const Point& whole, const Point& known) {
  Point out;
  for (const auto& axis : whole) {
    if (std::ranges::find(known, axis.first, [](const auto& one) { return one.first; }) !=
        known.end())
      out.push_back(axis);
  }
  return out;
}

/// The point's place in its scenario, with its trace's shape filled in.
std::optional<PointSpec> find_point(const Run& run, const PointResult& point, Workplace& place) {
  const std::string wanted = point_key(point.point);
  for (const auto& choice : scenario_of(run).expand(kSweepScopes)) {
    PointSpec spec = make_point_spec(choice);
    if (spec.backend != "none") spec.backend = place.backends.resolve(spec.backend);
    if (spec.parallel.ranks > 1) continue;
    resolve_shape(spec, place.traces.open(spec.trace)->info());
    if (point_key(shared_axes(to_point(spec), point.point)) == wanted) return spec;
  }
  return std::nullopt;
}

/// Plans and loads the point.   @return "" or why that is not possible
std::string set_up(const PointSpec& spec, Workplace& place) {
  LayerBackend& backend = place.backends.get(spec.backend, spec.threads, spec.device);
  if (const auto reason = backend.unsupported(spec.shape, spec.kernel)) return *reason;
  const auto trace = place.traces.open(spec.trace);
  const auto placements = place_experts(spec, *trace, available_threads());
  PointResult counts;
  const Counted counted = count_point(spec, *trace, placements, available_threads(), counts);
  const auto arms = plan_arms(spec, *trace, placements, counted);
  place.layer =
      &place.backends.prepare(backend, spec, spec.shape, arms.front().placement.num_physical());
  place.handle = place.layer->load(arms.front().plan);
  return "";
}

}  // namespace

Remeasurement remeasure(const Run& run, const PointResult& point) {
  const auto* time = point.find("layer.total_s");
  if (time == nullptr || time->samples.empty() || time->provenance != Provenance::kMeasured)
    return {{}, 0, "the point has no measured layer.total_s"};
  const auto differences =
      machine_differences(run.manifest.at("environment"), environment_record());
  if (!differences.empty())
    return {{}, 0, fmt::format("the base is of another machine: {}", differences.front())};
  auto place = std::make_shared<Workplace>();
  try {
    const auto spec = find_point(run, point, *place);
    if (!spec) return {{}, 0, "the base's scenario does not give its noisiest point on one rank"};
    if (const auto reason = set_up(*spec, *place); !reason.empty()) return {{}, 0, reason};
  } catch (const Error& error) {
    return {{}, 0, error.what()};
  }
  const auto stored = static_cast<int>(time->samples.size());
  const int samples = stored + stored % 2;  // whole rounds of measure()
  return {[place, samples](double slowdown) {
            return std::pair{place->times_s(1, samples), place->times_s(slowdown, samples)};
          },
          2 * kWarmupShare * samples * time->value, ""};
}

}  // namespace hotexpert
