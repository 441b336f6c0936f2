#include "scenarios/cli/scenario_arguments.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "scenarios/runner/scenario_file.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/slug.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kManyPoints = 100000;

}  // namespace

std::vector<AxisScope> sweep_axis_flags() { return kSweepScopes; }

std::vector<OptionRow> scenario_options() {
  return {{"yes,y", "", "run a scenario of more than 100,000 points without asking"},
          {"jobs,j", "N", "threads that draw and count; results do not depend on it [all]"}};
}

int job_count(const Arguments& arguments) {
  if (!arguments.has("jobs")) return 0;
  const std::int64_t jobs = parse_integer(arguments.get("jobs"), "--jobs");
  if (jobs < 1 || jobs > 4096)
    throw UsageError(fmt::format("--jobs: {} is outside 1 to 4096", jobs));
  return static_cast<int>(jobs);
}

std::string default_run_dir(const Scenario& scenario) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("runs/{}-{:%Y%m%d-%H%M%S}", slug(scenario.title, 40), fmt::gmtime(now));
}

Scenario load_scenario(const Arguments& arguments) {
  Scenario scenario;
  scenario.title = "defaults";
  if (!arguments.positional.empty()) scenario = read_scenario(arguments.positional.front());
  for (const auto& axis : axes()) {
    if (arguments.has(axis.name))
      scenario.set(axis.name, arguments.get(axis.name), fmt::format("--{}", axis.name));
  }
  return scenario;
}

void check_point_count(const Scenario& scenario, const Arguments& arguments,
                       std::initializer_list<AxisScope> scopes) {
  const std::int64_t count = scenario.point_count(scopes);
  if (count > kManyPoints && !arguments.has("yes")) {
    throw UsageError(fmt::format(
        "{} expands to {} points, more than {}; pass --yes to run them all, or fewer values",
        scenario.origin.empty() ? "the scenario" : scenario.origin, count, kManyPoints));
  }
}

Json::Array point_rows(const std::vector<PointResult>& results) {
  Json::Array rows;
  for (const auto& result : results) {
    Json row = Json(Json::Object(result.point.begin(), result.point.end()));
    row.set("outcome", name(result.outcome));
    if (!result.reason.empty()) row.set("reason", result.reason);
    for (const auto& measurement : result.measurements)
      row.set(measurement.metric, measurement.value);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace hotexpert
