#include "scenarios/cli/found_run.hpp"

#include <fmt/format.h>

#include <array>

#include "reports/run_store.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/sweep.hpp"

namespace hotexpert {
namespace {

/// Coordinates of found points that are no axes of a sweep, as reports name them.
struct FoundAxis {
  const char* name;
  const char* label;
  const char* unit;
};
constexpr std::array kFoundAxes = {
    FoundAxis{"skew", "max/mean load", "ratio"},
    FoundAxis{"league.regime", "regime", ""},
    FoundAxis{"league.metric", "load metric", ""},
    FoundAxis{"verdict.interval", "steps between plans", "count"},
    FoundAxis{"verdict.window", "steps a plan sees", "count"},
};

Json with_found_axes(Json axes) {
  for (const auto& axis : kFoundAxes) {
    axes.push(
        Json::object().set("name", axis.name).set("label", axis.label).set("unit", axis.unit));
  }
  return axes;
}

}  // namespace

OptionRow found_run_option() {
  return {"output,o", "RUN_DIR", "also write a run folder, which `hotexpert report` draws"};
}

void write_found_run(const Arguments& arguments, const Scenario& scenario, const Json& facts,
                     const std::vector<PointResult>& points) {
  if (!arguments.has("output")) return;
  const std::string dir = arguments.get("output");
  Json manifest = make_manifest(scenario);
  Json set = Json::object();
  for (const auto& axis : axes()) {
    if (!scenario.is_set(axis.name)) continue;
    Json values = Json::array();
    for (const auto& value : scenario.values(axis)) values.push(axis_value_json(axis, value));
    set.set(std::string(axis.name), std::move(values));
  }
  manifest.set("scenario", std::move(set));
  manifest.set("axes", with_found_axes(manifest.at("axes")));
  for (const auto& [key, value] : facts.as_object()) manifest.set(key, value);
  RunWriter writer = RunWriter::draft(dir, manifest);
  for (const auto& point : points) writer.append(point);
  writer.publish();
  note(fmt::format("the run is in {}; draw it with: hotexpert report {} -o report.html", dir, dir));
}

}  // namespace hotexpert
