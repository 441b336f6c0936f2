#include "scenarios/runner/sweep.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "kernels/plugin/expert_plugin.hpp"
#include "profiler/annotate.hpp"
#include "profiler/environment.hpp"
#include "reports/run_store.hpp"
#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/timed.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/routing/plan_dispatch.hpp"

namespace hotexpert {
namespace {

/// Everything points share while a sweep runs.
struct Workshop {
  explicit Workshop(int threads_)
      : threads(threads_ > 0 ? threads_ : available_threads()), traces(threads) {}
  int threads;
  TraceCache traces;
  BackendPool backends;
  ProcessRunner run_processes;
};

/// Where the experts live; ranks, slots and steps that do not fit together skip the point.
std::optional<Placements> placements_or_reason(const PointSpec& spec, const RoutingTrace& trace,
                                               int threads, PointResult& result) {
  (void)batch_range(spec.trace, trace.info());  // a scenario error, not the point's
  try {
    return place_experts(spec, trace, threads);
  } catch (const UsageError& error) {
    result.outcome = Outcome::kSkipped;
    result.reason = error.what();
    return std::nullopt;
  }
}

void time_in_processes(const PointSpec& spec, Workshop& shop, PointResult& result) {
  std::string reason;
  if (spec.backend != "cpu") {
    reason =
        fmt::format("ep.exec mpi runs CPU kernels; choose --backend cpu, not {}", spec.backend);
  } else if (spec.pass != LayerPass::kForward) {
    reason = fmt::format("ep.exec mpi runs the forward pass; layer.pass {} is timed on one rank",
                         name(spec.pass));
  } else if (!shop.run_processes) {
    reason = "ep.exec mpi needs processes, and this command starts none";
  } else {
    reason =
        shop.backends.get("cpu", spec.threads).unsupported(spec.shape, spec.kernel).value_or("");
  }
  if (reason.empty()) {
    shop.run_processes(spec, result);
  } else {
    result.outcome = Outcome::kSkipped;
    result.reason = reason;
  }
}

/// One point from its choice of values to its result. Errors of the input or the scenario end the
/// sweep; what only this point cannot do is its outcome.
PointResult run_point(PointSpec spec, Workshop& shop, bool with_backend) {
  const AnnotatedRange point(RangeName::kPoint);
  PointResult result;
  const auto trace = shop.traces.open(spec.trace);
  resolve_shape(spec, trace->info());
  result.point = to_point(spec);
  const auto placements = placements_or_reason(spec, *trace, shop.threads, result);
  if (!placements) return result;
  const RoutingFields fields{.weights = trace->info().has_weights,
                             .scores = trace->info().has_scores};
  if (const auto reason =
          DispatchPlanner(spec.capacity).unsupported(fields, spec.shape.top_k, placements->of(0))) {
    result.outcome = Outcome::kSkipped;
    result.reason = *reason;
    return result;
  }
  const Counted counted = count_point(spec, *trace, *placements, shop.threads, result);
  if (!with_backend || spec.backend == "none") return result;
  if (spec.parallel.exec == "mpi" && spec.parallel.ranks > 1) {
    time_in_processes(spec, shop, result);
  } else {
    time_point(spec, *trace, *placements, counted, shop.backends, result);
  }
  return result;
}

PointSpec resolved_spec(const AxisChoice& choice, BackendPool& backends) {
  PointSpec spec = make_point_spec(choice);
  if (spec.backend != "none") spec.backend = backends.resolve(spec.backend);
  return spec;
}

/// layer.all_to_all_s is modelled for virtual ranks and measured for processes: never in one run.
void refuse_mixed_exec(const Scenario& scenario) {
  if (scenario.values(find_axis("ep.exec")).size() < 2) return;
  throw UsageError(
      "ep.exec: virtual ranks have a modelled network and processes a measured one, and a run "
      "holds "
      "one of them; sweep each into its own folder and report both");
}

/// Leaves the shard's points and names the shard in the manifest.
void keep_shard(const Shard& shard, std::vector<AxisChoice>& choices, Json& manifest) {
  const auto total = static_cast<std::int64_t>(choices.size());
  const std::int64_t first = shard.first(total);
  const std::int64_t end = shard.end(total);
  choices.erase(choices.begin() + end, choices.end());
  choices.erase(choices.begin(), choices.begin() + first);
  manifest.set("shard", Json::object()
                            .set("index", shard.index)
                            .set("count", shard.count)
                            .set("points", end - first));
}

/// Every recording the points replay, read and checked before the run folder is made.
Json check_recordings(const std::vector<PointSpec>& specs, TraceCache& traces) {
  Json list = Json::array();
  for (const auto& spec : specs) {
    if (spec.trace.file.empty()) continue;
    const Json entry = recording_json(spec.trace, traces.recording(spec.trace));
    const auto& known = list.as_array();
    if (std::find(known.begin(), known.end(), entry) == known.end()) list.push(entry);
  }
  return list;
}

/// Backends that were asked for are there, and their kernels known, before the run folder is made.
void check_backends(const std::vector<PointSpec>& specs, BackendPool& backends) {
  for (const auto& spec : specs) {
    if (spec.backend != "none")
      (void)backends.get(spec.backend, spec.threads, spec.device, spec.pass)
          .unsupported(spec.shape, spec.kernel);
  }
}

/// Every device of the scenario in full, so that a run folder says what its modelled numbers mean.
Json described_devices(const Scenario& scenario) {
  Json devices = Json::object();
  for (const auto& device : scenario.values(find_axis("device"))) {
    if (device != "none") devices.set(device, to_json(read_device(device)));
  }
  return devices;
}

/// Every plugin of the scenario by the name that results show, with the digest of its file.
Json described_plugins(const Scenario& scenario) {
  Json plugins = Json::object();
  for (const auto& kernel : scenario.values(find_axis("kernel"))) {
    if (!is_plugin(kernel)) continue;
    const auto label = kernel_label(kernel);
    if (plugins.find(label) != nullptr)
      throw UsageError(fmt::format(
          "kernel: two plugins are called '{}' in results; give one file another name", label));
    plugins.set(label, file_digest(plugin_path(kernel)));
  }
  return plugins;
}

}  // namespace

Json make_manifest(const Scenario& scenario) {
  Json manifest = Json::object();
  manifest.set("schema", "hotexpert-run/1")
      .set("title", scenario.title)
      .set("description", scenario.description);
  manifest.set("program",
               Json::object().set("name", "hotexpert").set("version", HOTEXPERT_VERSION));
  manifest.set("created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                      fmt::gmtime(std::chrono::system_clock::to_time_t(
                                          std::chrono::system_clock::now()))));
  manifest.set("scenario", scenario.resolved(kSweepScopes));
  Json list = Json::array();
  for (const auto& axis : axes()) {
    list.push(
        Json::object().set("name", axis.name).set("label", axis.label).set("unit", axis.unit));
  }
  manifest.set("axes", std::move(list));
  Json devices = described_devices(scenario);
  if (!devices.as_object().empty()) manifest.set("devices", std::move(devices));
  Json plugins = described_plugins(scenario);
  if (!plugins.as_object().empty()) manifest.set("plugins", std::move(plugins));
  manifest.set("seed", scenario.resolved({AxisScope::kSeed}).at("seed").as_array().front());
  manifest.set("environment", environment_record());
  return manifest;
}

std::string point_label(const Scenario& scenario, const AxisChoice& choice) {
  std::string label;
  for (const auto& axis : axes()) {
    const auto found = choice.find(axis.name);
    if (found == choice.end() || scenario.values(axis).size() < 2) continue;
    label += fmt::format("{}{}={}", label.empty() ? "" : " ", axis.name, found->second);
  }
  return label.empty() ? scenario.title : label;
}

std::vector<PointResult> plan_points(const Scenario& scenario, const SweepOptions& options) {
  Workshop shop(options.threads);
  std::vector<PointResult> results;
  const auto choices = scenario.expand(kSweepScopes);
  for (const auto& choice : choices) {
    if (options.should_stop && options.should_stop()) break;
    if (options.on_progress) {
      options.on_progress(static_cast<std::int64_t>(results.size()),
                          static_cast<std::int64_t>(choices.size()), point_label(scenario, choice));
    }
    results.push_back(run_point(make_point_spec(choice), shop, false));
  }
  return results;
}

SweepSummary run_sweep(const Scenario& scenario, const SweepOptions& options) {
  const AnnotatedRange sweep(RangeName::kSweep);
  refuse_mixed_exec(scenario);
  auto choices = scenario.expand(kSweepScopes);
  Json manifest = make_manifest(scenario);
  if (options.shard) keep_shard(*options.shard, choices, manifest);
  Workshop shop(options.threads);
  shop.run_processes = options.run_processes;
  // Every point is checked before the first runs: a typo in the last value must not cost an hour.
  std::vector<PointSpec> specs;
  for (const auto& choice : choices) specs.push_back(resolved_spec(choice, shop.backends));

  check_backends(specs, shop.backends);

  const Json recordings = check_recordings(specs, shop.traces);
  if (!recordings.as_array().empty()) manifest.set("traces", recordings);
  RunWriter writer = options.resume ? RunWriter::resume(options.run_dir, manifest)
                                    : RunWriter::create(options.run_dir, manifest);
  SweepSummary summary;
  summary.total = static_cast<std::int64_t>(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (options.should_stop && options.should_stop()) {
      summary.stopped = true;
      break;
    }
    if (options.on_progress) {
      options.on_progress(static_cast<std::int64_t>(i), summary.total,
                          point_label(scenario, choices[i]));
    }
    if (options.resume) {
      PointSpec known = specs[i];
      resolve_shape(known, shop.traces.open(known.trace)->info());
      if (writer.has(to_point(known))) {
        ++summary.reused;
        continue;
      }
    }
    const PointResult result = run_point(specs[i], shop, true);
    writer.append(result);
    summary.ok += result.outcome == Outcome::kOk ? 1 : 0;
    summary.skipped += result.outcome == Outcome::kSkipped ? 1 : 0;
    summary.failed += result.outcome == Outcome::kFailed ? 1 : 0;
    if (!shop.backends.lost().empty())
      throw DeviceError(fmt::format(
          "{}; the sweep stops here: point '{}' failed and {} of {} points are in {}; go on with "
          "--resume, which runs the failed point again, or leave that point out",
          shop.backends.lost(), point_label(scenario, choices[i]), i + 1, summary.total,
          options.run_dir));
  }
  return summary;
}

}  // namespace hotexpert
