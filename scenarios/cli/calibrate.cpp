#include <array>

#include "scenarios/cli/calibrate_subjects.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/table.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

/// What can be calibrated: a file and a row each.
constexpr std::array kSubjects = {
    ActionRow{"device", "device SCENARIO|RUN_DIR",
              "constants of the cost laws, from a measured sweep: a scenario to sweep (as "
              "scenarios/calibrate.toml) or a run folder; writes a device file",
              calibrate_device},
    ActionRow{"network", "network",
              "the network model, from exchanges between --ep.ranks processes of this machine; "
              "writes a file for ep.network",
              calibrate_network_here},
    ActionRow{"speeds", "speeds",
              "how fast each rank's process is, from the same work on all of them; prints a value "
              "for ep.speeds",
              calibrate_speeds_here},
};

}  // namespace

CommandSyntax calibrate_syntax() {
  CommandSyntax syntax{
      "device SCENARIO|RUN_DIR | network | speeds",
      1,
      2,
      {{"output,o", "FILE.toml", "file to write, never half of one [network: network.toml]"},
       {"name", "NAME", "name of the device or network [the file's name]"},
       {"base", "NAME|FILE",
        "device: whose peaks and program are kept, and constants the start [cpu]"},
       {"resume", "", "device: go on with the sweep that was interrupted"}},
      sweep_axis_flags()};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  syntax.arguments = argument_rows(kSubjects);
  return syntax;
}

int calibrate_run(const Arguments& arguments) {
  return find_row(kSubjects, "subject of calibrate", arguments.positional.front()).run(arguments);
}

}  // namespace hotexpert
