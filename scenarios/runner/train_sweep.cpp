#include "scenarios/runner/train_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/run_store.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/train_checkpoint.hpp"
#include "scenarios/runner/train_result.hpp"
#include "scenarios/runner/train_timing.hpp"
#include "scenarios/runner/train_workers.hpp"
#include "sim/base/errors.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {
namespace {

constexpr double kPollSeconds = 0.1;

/// What a training run needs while its points finish.
struct Lab {
  const std::vector<TrainSpec>& specs;
  const TrainOptions& options;
  LabTiming timing;
  BackendPool backends;
  TimingGate gate;
};

void save_trace(const Lab& lab, std::size_t index, const training::TrainingRun& run) {
  const std::string folder = lab.options.run_dir + "/traces";
  try {
    make_folders(system_files(), folder);
    write_trace(fmt::format("{}/{}.safetensors", folder, index + 1),
                arrays_of(*run.evaluation->trace));
  } catch (const OutputError& error) {
    throw resumable(error);
  }
}

/// Times a trained point and writes it down.
Outcome finish_point(Lab& lab, const TrainedPoint& trained, RunWriter& writer) {
  const TrainSpec& spec = lab.specs[trained.index];
  PointResult result = to_result(spec, trained.run);
  if (!trained.warning.empty()) {
    result.warnings.push_back(trained.warning + "; the point was trained from its start");
  }
  time_trained_layer(lab.timing, trained.run, lab.backends, lab.gate, result);
  if (lab.options.save_traces && trained.run.evaluation)
    save_trace(lab, trained.index, trained.run);
  writer.append(result);
  TrainCheckpoint(lab.options.run_dir, spec.point).remove();
  return result.outcome;
}

/// Whether the scenario names layers, traces or capacities: then its sweep has the same title.
bool is_also_a_sweep(const Scenario& scenario) {
  return std::any_of(axes().begin(), axes().end(), [&](const AxisRow& axis) {
    const bool of_layers = axis.scope == AxisScope::kLayer || axis.scope == AxisScope::kTrace ||
                           axis.scope == AxisScope::kCapacity;
    return of_layers && scenario.is_set(axis.name);
  });
}

void count(Outcome outcome, SweepSummary& summary) {
  summary.ok += outcome == Outcome::kOk ? 1 : 0;
  summary.skipped += outcome == Outcome::kSkipped ? 1 : 0;
  summary.failed += outcome == Outcome::kFailed ? 1 : 0;
}

}  // namespace

Json train_manifest(const Scenario& scenario, const std::vector<TrainSpec>& specs) {
  Json manifest = make_manifest(scenario);
  if (is_also_a_sweep(scenario)) manifest.set("title", scenario.title + ", router lab");
  manifest.set("scenario",
               scenario.resolved({AxisScope::kSeed, AxisScope::kTraining, AxisScope::kRun}));
  Json methods = Json::array();
  std::set<std::string> seen;
  for (const auto& spec : specs) {
    if (!seen.insert(spec.config.method).second) continue;
    methods.push(
        Json::object().set("method", spec.config.method).set("convention", spec.convention));
  }
  return manifest.set("methods", std::move(methods));
}

SweepSummary run_training(const Scenario& scenario, const TrainOptions& options) {
  const auto specs = expand_training(scenario);
  Lab lab{specs, options, {}, {}, {}};
  lab.timing = make_lab_timing(scenario, lab.backends);
  const Json manifest = train_manifest(scenario, specs);
  RunWriter writer = options.resume ? RunWriter::resume(options.run_dir, manifest)
                                    : RunWriter::create(options.run_dir, manifest);
  SweepSummary summary;
  summary.total = static_cast<std::int64_t>(specs.size());
  std::vector<std::size_t> todo;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!writer.has(specs[i].point)) todo.push_back(i);
  }
  summary.reused = summary.total - static_cast<std::int64_t>(todo.size());

  const int threads = options.threads > 0 ? options.threads : available_threads();
  TrainWorkers workers(specs, std::move(todo), options.run_dir, threads, lab.gate);
  while (!workers.over()) {
    if (options.should_stop && options.should_stop()) {
      workers.stop();
      summary.stopped = true;
    }
    if (const auto trained = workers.next(kPollSeconds)) {
      count(finish_point(lab, *trained, writer), summary);
    }
    if (options.on_progress) {
      options.on_progress({summary.reused + summary.ok + summary.failed, summary.total,
                           workers.share(), workers.latest()});
    }
  }
  if (!summary.stopped) remove_checkpoint_folder(options.run_dir);
  return summary;
}

}  // namespace hotexpert
