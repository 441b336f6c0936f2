#include <fmt/format.h>

#include <filesystem>

#include "reports/run_store.hpp"
#include "scenarios/cli/found_run.hpp"
#include "scenarios/cli/json_table.hpp"
#include "scenarios/cli/model_actions.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/league_run.hpp"
#include "scenarios/runner/model_points.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

void note_winners(const std::vector<LeagueRow>& league) {
  std::string regime;
  for (const auto& row : league) {
    if (row.regime == regime) continue;
    regime = row.regime;
    note(
        fmt::format("{}: {} tells the time best (rank correlation {:.2f}, held-out error {:.1f} %, "
                    "{} points)",
                    regime, row.metric, row.rank_correlation, 100 * row.held_out_error, row.n));
  }
}

}  // namespace

int model_league(const Arguments& arguments) {
  const std::string& source = arguments.positional[1];
  std::vector<LeagueRow> league;
  if (std::filesystem::is_directory(source)) {
    const Run run = read_run(source);
    league = metric_league(run_metric_names(), run_samples(run));
  } else {
    league = metric_league(published_metric_names(), published_samples(read_published_csv(source)));
  }
  if (league.empty()) {
    throw InputError(source + ": no skewed points beside a balanced control, so no league");
  }
  print_table(table_of(to_json(league)), arguments);
  Scenario scenario;
  scenario.title = fmt::format("Load metrics against time: {}",
                               std::filesystem::path(source).filename().string());
  scenario.description = "Which load metric tells the time of a skewed step best, by regime.";
  write_found_run(arguments, scenario, Json::object(), league_points(league));
  note_winners(league);
  return 0;
}

}  // namespace hotexpert
