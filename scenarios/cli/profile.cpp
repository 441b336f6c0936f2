#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "profiler/nsight_commands.hpp"
#include "profiler/rank_trace.hpp"
#include "profiler/trace_events.hpp"
#include "reports/run_store.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/profile_output.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/device_file.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

/// The one point to profile.
struct ChosenPoint {
  std::size_t index = 0;
  AxisChoice choice;
  std::string label;
};

ChosenPoint chosen_point(const Scenario& scenario, const Arguments& arguments) {
  const auto choices = scenario.expand(kSweepScopes);
  if (!arguments.has("point") && choices.size() > 1) {
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(choices.size(), 12); ++i)
      list += fmt::format("{}{} ({})", i == 0 ? "" : ", ", i, point_label(scenario, choices[i]));
    throw UsageError(fmt::format("the scenario has {} points; choose one with --point: {}{}",
                                 choices.size(), list, choices.size() > 12 ? ", ..." : ""));
  }
  const std::int64_t index = parse_integer(arguments.get("point", "0"), "--point");
  if (index < 0 || index >= std::ssize(choices))
    throw UsageError(
        fmt::format("--point: the scenario has points 0 to {}, not {}", choices.size() - 1, index));
  const auto& choice = choices[static_cast<std::size_t>(index)];
  return {static_cast<std::size_t>(index), choice, point_label(scenario, choice)};
}

ProfileOptions options_of(const Arguments& arguments) {
  ProfileOptions options;
  options.threads = job_count(arguments);
  options.once = arguments.has("profile-once");
  const std::int64_t steps = parse_integer(arguments.get("steps", "10"), "--steps");
  if (steps < 6 || steps > 10000)
    throw UsageError(
        fmt::format("--steps: {} is outside 6 to 10000 (fewer than 6 have no interval)", steps));
  options.steps = static_cast<int>(steps);
  const auto level = arguments.get("level", "activity");
  if (level == "events") {
    options.level = ProfileLevel::kEvents;
  } else if (level == "activity") {
    options.level = ProfileLevel::kActivity;
  } else if (level == "counters") {
    options.level = ProfileLevel::kCounters;
  } else {
    throw UsageError(fmt::format("--level: '{}' is none of events, activity, counters", level));
  }
  return options;
}

/// The axis flags as the user wrote them, to be repeated in a command.
std::vector<std::string> axis_flags(const Arguments& arguments) {
  std::vector<std::string> words;
  for (const auto& axis : axes()) {
    if (!arguments.has(axis.name)) continue;
    words.push_back(fmt::format("--{}", axis.name));
    words.push_back(arguments.get(axis.name));
  }
  return words;
}

/// The slowest stage, measured where the point runs here; else the experts, with a remark.
RangeName slowest_stage_here(const ChosenPoint& point, const Arguments& arguments) {
  try {
    ProfileOptions options = options_of(arguments);
    options.steps = 6;
    options.level = ProfileLevel::kEvents;
    return profile_point(point.choice, options).slowest_stage;
  } catch (const DeviceError& error) {
    note(fmt::format("range `expert` is taken for the slowest: {}", error.what()));
    return RangeName::kExpert;
  }
}

int emit(const ChosenPoint& point, const Arguments& arguments) {
  const auto tool = arguments.get("emit");
  if (tool != "nsys" && tool != "ncu")
    throw UsageError(fmt::format("--emit: '{}' is neither nsys nor ncu", tool));
  NsightTarget target;
  target.scenario = arguments.positional.front();
  target.point = std::to_string(point.index);
  target.arguments = axis_flags(arguments);
  target.range = slowest_stage_here(point, arguments);
  target.output = fmt::format("hotexpert-point-{}", point.index);
  const auto made = tool == "nsys" ? nsys_command(target) : ncu_command(target);
  if (arguments.has("json")) {
    write_stdout(Json::object()
                     .set("command", made.command)
                     .set("advice", made.advice)
                     .set("range", name(target.range))
                     .dump() +
                 "\n");
  } else {
    write_stdout(made.command + "\n# " + made.advice + "\n");
  }
  return 0;
}

void write_trace(const PointProfile& profile, const std::string& path) {
  if (!profile.layer.untraced.empty())
    throw UsageError("--trace: " + profile.layer.untraced + " There is nothing to write.");
  TraceEvents trace;
  const char* worker = profile.backend == "cuda" ? "SM" : "worker";
  if (profile.ranks.ranks.empty()) {
    const LaneNames names{fmt::format("{}: {}", profile.backend, profile.device), worker};
    add_layer_pass(trace, 0, names, profile.shown);
  } else {
    add_rank_passes(trace, profile.ranks, worker);
  }
  Json metadata;
  metadata.set("program", "hotexpert").set("kernel", profile.kernel);
  metadata.set("backend", profile.backend).set("device", profile.device);
  metadata.set("point",
               Json(Json::Object(profile.result.point.begin(), profile.result.point.end())));
  metadata.set("remarks", Json::array_of(profile.remarks));
  write_file(system_files(), path, trace.to_json(std::move(metadata)).dump() + "\n");
}

/// The scenario with the point's values alone: what the manifest of its run folder says.
Scenario only(const Scenario& scenario, const AxisChoice& choice) {
  Scenario one = scenario;
  for (const auto& [axis, value] : choice) one.set(axis, value, "");
  return one;
}

/// `--import FILE` for a known point; with -o what the report counted becomes a run folder.
int import_into_run(const Arguments& arguments, const Scenario& scenario,
                    const AxisChoice& choice) {
  auto batch = planned_batch(choice, job_count(arguments));
  const int exit_code = print_import(arguments, batch.expert_rows);
  if (!arguments.has("output")) return exit_code;
  counter_metrics_of(arguments, batch, batch.result);
  RunWriter run = RunWriter::draft(arguments.get("output"), make_manifest(scenario));
  run.append(batch.result);
  run.publish();
  return exit_code;
}

}  // namespace

CommandSyntax profile_syntax() {
  CommandSyntax syntax{
      "SCENARIO | --import FILE [SCENARIO]",
      0,
      1,
      {{"point", "K", "which point, counted from 0 in the order of `hotexpert plan`"},
       {"steps", "N", "traced passes of each arm, after one warm-up [10]"},
       {"level", "NAME",
        "how closely a device is watched through CUPTI, NVIDIA's profiling library: events, "
        "activity, counters [activity]"},
       {"profile-once", "",
        "one warm-up and one pass between cudaProfilerStart and Stop, nothing else: for nsys, ncu "
        "and compute-sanitizer"},
       {"emit", "nsys|ncu", "print the Nsight command for this point's slowest stage instead"},
       {"import", "FILE",
        "read what `nsys export --type sqlite` or `ncu --csv` wrote; with SCENARIO, join kernels "
        "to the experts' loads"},
       {"roof", "DEVICE",
        "with counters (--level counters, or ncu's through --import) and -o: the device whose "
        "peaks "
        "are the roof (h100-sxm, or a file)"},
       {"trace", "FILE.json", "write the timeline for ui.perfetto.dev or chrome://tracing"},
       {"output,o", "RUN_DIR", "write a run folder that `hotexpert report` draws"},
       {"json", "", "print one JSON object, the ledger under \"rows\""}},
      sweep_axis_flags(),
      {kScenarioArgument}};
  for (const auto& option : scenario_options()) syntax.options.push_back(option);
  return syntax;
}

int profile_run(const Arguments& arguments) {
  if (arguments.positional.empty() && !arguments.has("import"))
    throw UsageError("profile: which scenario? (hotexpert profile SCENARIO --point K)");
  if (arguments.positional.empty()) return print_import(arguments, {});
  const Scenario scenario = load_scenario(arguments);
  check_point_count(scenario, arguments);
  const ChosenPoint point = chosen_point(scenario, arguments);
  if (arguments.has("import"))
    return import_into_run(arguments, only(scenario, point.choice), point.choice);
  if (arguments.has("emit")) return emit(point, arguments);

  std::optional<RunWriter> run;
  ProfileOptions options = options_of(arguments);
  if (arguments.has("output") && !options.once) {
    // A bad folder must not cost the passes, and a refused kernel must leave no folder.
    options.before_passes = [&] {
      run = RunWriter::draft(arguments.get("output"), make_manifest(only(scenario, point.choice)));
    };
  }
  std::optional<DeviceDescription> roof;  // read first: a bad file must not cost the passes
  if (arguments.has("roof")) roof = read_device(arguments.get("roof"));
  PointProfile profile = profile_point(point.choice, options);
  if (roof) roof_metrics(*roof, profile.dtype, profile.result);
  if (profile.profiled && run) {
    run->append(profile.result);
    run->publish();
  }
  if (profile.profiled && arguments.has("trace")) write_trace(profile, arguments.get("trace"));
  if (!profile.profiled && (arguments.has("trace") || arguments.has("output")))
    warn("one pass ran for the profiler outside; --trace and -o have nothing to write");
  const auto title = fmt::format("point {}: {}", point.index, point.label);
  if (arguments.has("json")) {
    write_stdout(profile_json(profile, title).dump() + "\n");
  } else {
    write_stdout(profile_text(profile, title));
  }
  return 0;
}

}  // namespace hotexpert
