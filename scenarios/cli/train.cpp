#include <fmt/format.h>

#include <map>

#include "reports/comparison.hpp"
#include "reports/run_store.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/findings_text.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/train_table.hpp"
#include "scenarios/runner/train_sweep.hpp"
#include "scenarios/runner/train_timing.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

/// The run's points in the order of the scenario, however the cores finished them.
std::vector<PointResult> in_scenario_order(const Run& run, const std::vector<TrainSpec>& specs) {
  std::map<std::string, const PointResult*> by_key;
  for (const auto& result : run.points) by_key[point_key(result.point)] = &result;
  std::vector<PointResult> ordered;
  for (const auto& spec : specs) {
    const auto found = by_key.find(point_key(spec.point));
    if (found != by_key.end()) ordered.push_back(*found->second);
  }
  return ordered;
}

void print_results(const Scenario& scenario, const Run& run, const Arguments& arguments) {
  const auto results = in_scenario_order(run, expand_training(scenario));
  CommandTable table = train_table(scenario, results);
  if (arguments.has("json")) table.rows = point_rows(results);
  const Comparison comparison = make_comparison({run});
  table.extra = {{"title", scenario.title},
                 {"methods", run.manifest.at("methods")},
                 {"findings", findings_json(comparison)}};
  print_table(table, arguments);
  if (arguments.has("json") || arguments.has("csv") || arguments.has("md")) return;
  std::string text = "\nWhat the weights multiply:\n";
  for (const auto& method : run.manifest.at("methods").as_array()) {
    text += "- " + printable(method.at("convention").as_string()) + "\n";
  }
  write_stdout(text + "\n" + findings_text(comparison));
}

void note_end(const SweepSummary& summary, const TrainOptions& options,
              const Arguments& arguments) {
  note(
      fmt::format("{}: {} of {} points are in {}{}{}", summary.stopped ? "stopped" : "done",
                  summary.ok + summary.failed + summary.reused, summary.total, options.run_dir,
                  summary.reused > 0 ? fmt::format(", {} of them from before", summary.reused) : "",
                  summary.failed > 0 ? fmt::format(", {} FAILED", summary.failed) : ""));
  if (summary.stopped) {
    note(fmt::format("go on with: hotexpert train {} --resume -o {}", arguments.positional.front(),
                     options.run_dir));
  }
}

/// Says once for each kernel that a layer could not be timed, in how many points and why in the
/// first: their routers are trained and kept all the same.
void warn_about_untimed(const Run& run) {
  struct Untimed {
    std::size_t points = 0;
    std::string first;  // its numbers may differ from point to point
  };
  std::map<std::string, Untimed> by_kernel;
  for (const auto& point : run.points) {
    for (const auto& warning : point.warnings) {
      const std::size_t at = warning.find(kNotTimed);
      if (at == std::string::npos) continue;
      Untimed& untimed = by_kernel[warning.substr(0, at)];
      if (untimed.points++ == 0) untimed.first = warning;
    }
  }
  for (const auto& [kernel, untimed] : by_kernel)
    warn(fmt::format("in {} of {} points {}", untimed.points, run.points.size(), untimed.first));
}

}  // namespace

CommandSyntax train_syntax() {
  CommandSyntax syntax{
      "SCENARIO",
      0,
      1,
      {{"output,o", "RUN_DIR", "folder for the results [runs/TITLE-TIME]"},
       {"resume", "", "go on with the run in RUN_DIR, half-trained points included"},
       {"save-traces", "", "keep each trained router's routing: RUN_DIR/traces/N.safetensors"},
       {"translate", "", "train nothing: what train.weight of train.method is worth elsewhere"}},
      {AxisScope::kSeed, AxisScope::kTraining, AxisScope::kRun},
      {kScenarioArgument}};
  syntax.options.push_back({"yes,y", "", "run a scenario of more than 100,000 points"});
  syntax.options.push_back({"jobs,j", "N", "points trained at the same time [one a core]"});
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int train_run(const Arguments& arguments) {
  if (arguments.positional.empty() && !arguments.has("translate")) {
    throw UsageError("hotexpert train: SCENARIO is missing (hotexpert train --help)");
  }
  const Scenario scenario = load_scenario(arguments);
  if (arguments.has("translate")) {
    print_table(translation_table(scenario), arguments);
    return 0;
  }
  check_point_count(scenario, arguments, kTrainScopes);
  if (arguments.has("resume") && !arguments.has("output"))
    throw UsageError("--resume needs the run folder: -o RUN_DIR");
  TrainOptions options;
  options.threads = job_count(arguments);
  options.run_dir = arguments.get("output", default_run_dir(scenario));
  options.resume = arguments.has("resume");
  options.save_traces = arguments.has("save-traces");
  options.should_stop = [] { return caught_signal() != 0; };
  SweepSummary summary;
  {
    Progress progress(scenario.point_count(kTrainScopes));
    options.on_progress = [&](const TrainProgress& now) {
      progress.show(now.done, now.share, now.latest);
    };
    summary = run_training(scenario, options);
  }
  note_end(summary, options, arguments);
  if (summary.stopped) return 128 + caught_signal();
  const Run run = read_run(options.run_dir);
  warn_about(run);
  warn_about_untimed(run);
  print_results(scenario, run, arguments);
  return static_cast<int>(summary.failed > 0 ? ExitCode::kPointsFailed : ExitCode::kDone);
}

}  // namespace hotexpert
