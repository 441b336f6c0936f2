#include <fmt/format.h>

#include <limits>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/anatomy.hpp"
#include "sim/traces/recorded_trace.hpp"

namespace hotexpert {
namespace {

constexpr double kPercent = 100;

/// A row a part: its CV^2, its share of the sum, and what can touch it; then the sum, and beside it
/// co-activation and source skew.
void add_parts(const Json& layer, const LayerAnatomy& anatomy, bool has_ids, Json::Array& rows) {
  const auto row = [&](std::string_view part) {
    return Json::object().set("layer", layer).set("part", part);
  };
  double sum = 0;
  double shares = 0;
  for (std::size_t p = 0; p < anatomy.cv2.size(); ++p) {
    const auto& part = anatomy_parts()[p];
    rows.push_back(row(part.name)
                       .set("cv2", anatomy.cv2[p])
                       .set("share_percent", kPercent * anatomy.share[p])
                       .set("lever", part.lever));
    sum += anatomy.cv2[p];
    shares += anatomy.share[p];
  }
  rows.push_back(row("sum").set("cv2", sum).set("share_percent", kPercent * shares));
  const std::array beside = {anatomy.coactivation(), anatomy.source_max_over_mean};
  for (std::size_t p = 0; p < beside.size(); ++p) {
    const auto& part = anatomy_beside()[p];
    rows.push_back(row(part.name)
                       .set("ratio", has_ids ? Json(beside[p]) : Json("needs ids"))
                       .set("lever", part.lever));
  }
}

/// A row a layer, for reading: shares side by side.
CommandTable by_layer(const Anatomy& anatomy) {
  CommandTable table;
  table.columns = {"layer", "mean_cv2"};
  for (const auto& part : anatomy_parts()) table.columns.push_back(std::string(part.name) + ", %");
  if (anatomy.has_ids) {
    for (const auto& part : anatomy_beside()) table.columns.emplace_back(part.name);
  }
  const auto add = [&](const Json& layer, const LayerAnatomy& of) {
    Json row = Json::object().set("layer", layer).set("mean_cv2", of.mean_cv2);
    for (std::size_t p = 0; p < of.share.size(); ++p)
      row.set(table.columns[2 + p], kPercent * of.share[p]);
    if (anatomy.has_ids) {
      row.set(table.columns[2 + kAnatomyParts], of.coactivation());
      row.set(table.columns[3 + kAnatomyParts], of.source_max_over_mean);
    }
    table.rows.push_back(row);
  };
  for (std::size_t layer = 0; layer < anatomy.layers.size(); ++layer)
    add(Json(static_cast<std::int64_t>(layer)), anatomy.layers[layer]);
  add("all", anatomy.overall);
  return table;
}

Anatomy take_apart(ImportedTrace imported, std::int64_t tokens, int top_k,
                   const AnatomyOptions& options) {
  if (imported.recording.loads) return anatomy(*imported.recording.loads, top_k, options);
  const auto trace =
      make_recorded_trace(std::move(*imported.recording.arrays),
                          {.num_experts = imported.num_experts, .tokens_per_step = tokens});
  for (const auto& warning : trace->info().warnings) warn(warning);
  return anatomy(*trace, options);
}

}  // namespace

/// Where the imbalance of a recording comes from, and what can touch each part.
int trace_anatomy(const Arguments& arguments) {
  AnatomyOptions options;
  const auto count = [&](std::string_view option, std::int64_t fallback) {
    if (!arguments.has(option)) return fallback;
    const auto value = parse_integer(arguments.get(option), fmt::format("--{}", option));
    if (value >= 1 && value <= std::numeric_limits<int>::max()) return value;
    throw UsageError(fmt::format("--{}: {} is not at least 1", option, value));
  };
  options.ranks = static_cast<int>(count("ranks", options.ranks));
  options.windows = count("windows", options.windows);
  options.threads = available_threads();
  const std::int64_t tokens = one_value(arguments, "step.tokens", 1024);
  ImportedTrace imported = read_recording(arguments, "keep");
  warn_of_checks(imported);
  const Anatomy anatomy =
      take_apart(std::move(imported), tokens,
                 static_cast<int>(one_value(arguments, "layer.top_k", 0)), options);

  CommandTable table;
  table.columns = {"layer", "part", "cv2", "share_percent", "ratio", "lever"};
  add_parts("all", anatomy.overall, anatomy.has_ids, table.rows);
  CommandTable overall = table;
  overall.columns.erase(overall.columns.begin());
  for (std::size_t layer = 0; layer < anatomy.layers.size(); ++layer)
    add_parts(Json(static_cast<std::int64_t>(layer)), anatomy.layers[layer], anatomy.has_ids,
              table.rows);
  table.extra = {{"step.tokens", anatomy.has_ids ? Json(tokens) : Json()},
                 {"steps", anatomy.steps},
                 {"windows", anatomy.windows},
                 {"ranks", options.ranks}};
  if (arguments.has("json") || arguments.has("csv")) {
    print_table(table, arguments);
    return 0;
  }
  const auto form = arguments.has("md") ? markdown_table : text_table;
  write_stdout(form(overall) + "\n" + form(by_layer(anatomy)));
  for (const auto& part : anatomy_parts()) note(fmt::format("{}: {}", part.name, part.definition));
  for (const auto& part : anatomy_beside()) note(fmt::format("{}: {}", part.name, part.definition));
  const std::string steps = anatomy.has_ids
                                ? fmt::format("{} steps of {} tokens", anatomy.steps, tokens)
                                : fmt::format("counts of {} steps", anatomy.steps);
  note(fmt::format("{}, drift over {} windows", steps, anatomy.windows));
  return 0;
}

}  // namespace hotexpert
