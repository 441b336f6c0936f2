#include <fmt/format.h>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"

namespace hotexpert {

CommandSyntax plan_syntax() {
  CommandSyntax syntax{"SCENARIO",         1, 1, scenario_options(), sweep_axis_flags(),
                       {kScenarioArgument}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int plan_run(const Arguments& arguments) {
  const Scenario scenario = load_scenario(arguments);
  check_point_count(scenario, arguments);
  SweepOptions options;
  options.threads = job_count(arguments);
  Progress progress(scenario.point_count(kSweepScopes));
  options.on_progress = [&](std::int64_t done, std::int64_t, const std::string& what) {
    progress.show(done, what);
  };
  options.should_stop = [] { return caught_signal() != 0; };
  const auto results = plan_points(scenario, options);

  CommandTable table;
  for (const auto& axis : axes()) {
    if (scenario.values(axis).size() > 1) table.columns.emplace_back(axis.name);
  }
  for (const char* metric :
       {"load.max_over_mean", "load.cv", "load.active_experts", "drop.assignment_fraction",
        "drop.token_lost_fraction", "drop.floor_fraction"}) {
    for (const auto& result : results) {
      if (result.find(metric) == nullptr) continue;
      table.columns.emplace_back(metric);
      break;
    }
  }
  table.rows = point_rows(results);
  table.extra.emplace_back("title", scenario.title);
  print_table(table, arguments);
  return caught_signal() != 0 ? 128 + caught_signal() : 0;
}

}  // namespace hotexpert
