#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "reports/comparison.hpp"
#include "reports/number_format.hpp"
#include "reports/run_store.hpp"
#include "scenarios/cli/calibrate_subjects.hpp"
#include "scenarios/cli/json_table.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/calibration_run.hpp"
#include "scenarios/runner/device_file.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

constexpr int kMostFolds = 6;

/// The folder in which a calibration's own sweep is kept: beside the device file, in its name.
std::string run_dir_beside(const fs::path& output) {
  return (output.parent_path() / output.stem()).string() + "-run";
}

/// @return false when a signal stopped the sweep; its finished points are kept
bool sweep_into(const std::string& run_dir, const Arguments& arguments) {
  Arguments scenario_arguments = arguments;
  scenario_arguments.positional.erase(scenario_arguments.positional.begin());
  const Scenario scenario = load_scenario(scenario_arguments);
  SweepOptions options;
  options.run_dir = run_dir;
  options.resume = arguments.has("resume");
  options.should_stop = [] { return caught_signal() != 0; };
  Progress progress(scenario.point_count(kSweepScopes));
  options.on_progress = [&](std::int64_t done, std::int64_t, const std::string& what) {
    progress.show(done, what);
  };
  return !run_sweep(scenario, options).stopped;
}

std::string source_of(const Run& run, const Calibration& fitted, std::size_t points) {
  return fmt::format("fitted to {} measured points ({}, {}); {} off where held out (median)",
                     points, title_of(make_comparison({run})),
                     run.manifest.at("created").as_string(), percent(fitted.held_out_median_error));
}

std::string heading_of(const DeviceDescription& base) {
  return fmt::format(
      "Written by `hotexpert calibrate device`. Units, cache and memory are the measured "
      "machine's; peaks\n"
      "and program are those of '{}'; constants were fitted, held_out_error is their k-fold error.",
      base.name);
}

void note_fit(const Calibration& fitted, std::size_t points, const std::string& output) {
  for (const auto& family : fitted.held_out_by_family) {
    note(fmt::format("{}: {} off where held out (median of {}; 90th percentile {})",
                     name(family.family), percent(family.median_error), family.n,
                     percent(family.p90_error)));
  }
  note(fmt::format("{} constants fitted to {} points; {} holds them", fitted.constants.size(),
                   points, output));
}

}  // namespace

int calibrate_device(const Arguments& arguments) {
  if (arguments.positional.size() < 2)
    throw UsageError("calibrate device needs a SCENARIO to sweep or the RUN_DIR of a sweep");
  if (!arguments.has("output"))
    throw UsageError("calibrate device needs the file to write: -o FILE.toml");
  const fs::path output = arguments.get("output");
  const DeviceDescription base = read_device(arguments.get("base", "cpu"));
  std::string run_dir = arguments.positional[1];
  if (!fs::is_directory(run_dir)) {
    run_dir = run_dir_beside(output);
    if (!sweep_into(run_dir, arguments)) {
      note("stopped; go on with the same command and --resume");
      return 128 + caught_signal();
    }
  }
  const Run run = read_run(run_dir);
  const auto samples = calibration_samples(run);
  if (samples.size() < 4) {
    throw UsageError(fmt::format(
        "{}: {} measured passes of kernels with a cost law; calibration needs at least 4", run_dir,
        samples.size()));
  }
  const auto points = static_cast<std::size_t>(samples.back().group) + 1;
  DeviceDescription start = machine_of(run, base);
  start.name = arguments.get("name", output.stem().string());
  Calibration fitted =
      calibrate(start, samples, std::clamp(static_cast<int>(points), 2, kMostFolds));
  fitted.device.source = source_of(run, fitted, points);
  write_file(system_files(), output.string(), device_toml(fitted.device, heading_of(base)));

  CommandTable table = table_of(to_json(fitted));
  table.columns = {"name", "unit", "start", "value", "low", "high"};
  print_table(table, arguments);
  note_fit(fitted, points, output.string());
  return 0;
}

}  // namespace hotexpert
