#include "scenarios/runner/sweep.hpp"

#include <fmt/format.h>

#include "reports/comparison.hpp"
#include "reports/exporters.hpp"
#include "reports/run_store.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/emit_script.hpp"
#include "scenarios/cli/findings_text.hpp"
#include "scenarios/cli/mpi_jobs.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {

CommandSyntax sweep_syntax() {
  CommandSyntax syntax{
      "SCENARIO",
      1,
      1,
      {{"output,o", "RUN_DIR", "folder for the results [runs/TITLE-TIME]"},
       {"resume", "", "go on with the run in RUN_DIR; finished points are kept"},
       {"shard", "I/N",
        "run one of N blocks of points into RUN_DIR/shard-I-of-N; auto: the task "
        "of a Slurm array"},
       {"emit", "KIND", "print a script that runs the sweep in shards: slurm or parallel"},
       {"shards", "N", "shards of the emitted script [4]"}},
      sweep_axis_flags(),
      {kScenarioArgument}};
  for (const auto& option : scenario_options()) syntax.options.push_back(option);
  syntax.options.push_back({"json", "", "print the points as one JSON object"});
  return syntax;
}

int sweep_run(const Arguments& arguments) {
  const Scenario scenario = load_scenario(arguments);
  check_point_count(scenario, arguments);
  if (scenario.values(find_axis("ep.exec")).front() == "mpi") join_processes();
  for (const char* option : {"resume", "shard", "emit"}) {
    if (arguments.has(option) && !arguments.has("output"))
      throw UsageError(fmt::format("--{} needs the run folder: -o RUN_DIR", option));
  }
  if (arguments.has("emit")) {
    write_stdout(emit_script(scenario, arguments));
    return 0;
  }
  SweepOptions options;
  options.threads = job_count(arguments);
  options.run_dir = arguments.get("output", default_run_dir(scenario));
  options.resume = arguments.has("resume");
  if (arguments.has("shard")) {
    options.shard = parse_shard(arguments.get("shard"), process_environment());
    options.run_dir += "/" + options.shard->folder();
  }
  options.should_stop = [] { return caught_signal() != 0; };
  options.run_processes = process_runner();
  SweepSummary summary;
  {
    const std::int64_t points = scenario.point_count(kSweepScopes);
    Progress progress(options.shard ? options.shard->end(points) - options.shard->first(points)
                                    : points);
    options.on_progress = [&](std::int64_t done, std::int64_t, const std::string& what) {
      progress.show(done, what);
    };
    summary = run_sweep(scenario, options);
  }
  note(
      fmt::format("{}: {} of {} points are in {}{}{}{}", summary.stopped ? "stopped" : "done",
                  summary.ok + summary.skipped + summary.failed + summary.reused, summary.total,
                  options.run_dir,
                  summary.reused > 0 ? fmt::format(", {} of them from before", summary.reused) : "",
                  summary.skipped > 0 ? fmt::format(", {} skipped", summary.skipped) : "",
                  summary.failed > 0 ? fmt::format(", {} FAILED", summary.failed) : ""));
  if (summary.stopped) {
    note(fmt::format("go on with: hotexpert sweep {} --resume -o {}", arguments.positional.front(),
                     options.run_dir));
    return 128 + caught_signal();
  }
  const auto code =
      static_cast<int>(summary.failed > 0 ? ExitCode::kPointsFailed : ExitCode::kDone);
  if (summary.total == 0) return code;  // a shard of fewer points than shards
  const Run run = read_run(options.run_dir);
  warn_about(run);
  const Comparison comparison = make_comparison({run});
  if (arguments.has("json")) {
    write_stdout(render_json(comparison) + "\n");
  } else {
    write_stdout(findings_text(comparison));
  }
  return code;
}

}  // namespace hotexpert
