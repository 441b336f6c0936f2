#include <fmt/format.h>

#include <array>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/trace_summary.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {
namespace {

std::int64_t positive(const Arguments& arguments, std::string_view axis, std::int64_t fallback) {
  if (!arguments.has(axis)) return fallback;
  const auto values = [&] {
    Scenario scenario;
    scenario.set(axis, arguments.get(axis), fmt::format("--{}", axis));
    return scenario.values(find_axis(axis));
  }();
  if (values.size() > 1) throw UsageError(fmt::format("--{}: one value, please", axis));
  return parse_integer(values.front(), axis);
}

ImportedTrace import(const Arguments& arguments, std::string_view fallback_on_bad) {
  ImportOptions options;
  options.format = arguments.get("format");
  options.axes = arguments.get("axes");
  options.weights_file = arguments.get("weights");
  options.num_experts = static_cast<int>(positive(arguments, "layer.experts", 0));
  options.top_k = static_cast<int>(positive(arguments, "layer.top_k", 0));
  options.tokens_per_step = positive(arguments, "step.tokens", 0);
  if (arguments.has("absent"))
    options.absent_id = parse_integer(arguments.get("absent"), "--absent");
  options.on_bad = parse_on_bad(arguments.get("on-bad", fallback_on_bad));
  const std::vector<std::string> files(arguments.positional.begin() + 1,
                                       arguments.positional.end());
  if (files.empty()) throw UsageError("hotexpert trace: FILE is missing (hotexpert trace --help)");
  return import_trace(files, options);
}

Json check_rows(const ImportedTrace& imported) {
  Json rows = Json::array();
  for (const auto& check : imported.checks) {
    rows.push(Json::object()
                  .set("check", check.name)
                  .set("severity", name(check.severity))
                  .set("count", check.count)
                  .set("unit", check.unit)
                  .set("text", check.text));
  }
  return rows;
}

void note_checks(const ImportedTrace& imported) {
  for (const auto& check : imported.checks) {
    if (check.count > 0 && check.severity != Severity::kInfo) warn(check.text);
  }
  for (const auto& warning : imported.recording.warnings) warn(warning);
}

Json layer_row(const Json& layer, const LayerSummary& summary) {
  return Json::object()
      .set("layer", layer)
      .set("load.max_over_mean", summary.max_over_mean)
      .set("load.cv", summary.cv)
      .set("load.max_vio_batch", summary.max_vio_batch)
      .set("load.max_vio_global", summary.max_vio_global)
      .set("load.gini", summary.gini)
      .set("load.active_experts", summary.active_experts)
      .set("load.dead_experts", summary.dead_experts)
      .set("load.token_overlap", summary.token_overlap);
}

int info(const Arguments& arguments) {
  const ImportedTrace imported = import(arguments, "keep");
  if (!imported.recording.arrays) {
    throw UsageError(fmt::format(
        "{}: holds counts only; trace info describes tokens (hotexpert place reads counts)",
        arguments.positional.at(1)));
  }
  note_checks(imported);
  const std::int64_t tokens = positive(arguments, "step.tokens", 1024);
  const TraceSummary summary = summarize(*imported.recording.arrays, imported.num_experts, tokens);
  Table table;
  table.columns = {"layer",
                   "load.max_over_mean",
                   "load.cv",
                   "load.max_vio_batch",
                   "load.max_vio_global",
                   "load.gini",
                   "load.active_experts",
                   "load.dead_experts",
                   "load.token_overlap"};
  for (std::size_t layer = 0; layer < summary.layers.size(); ++layer) {
    table.rows.push_back(layer_row(Json(static_cast<std::int64_t>(layer)), summary.layers[layer]));
  }
  table.rows.push_back(layer_row("all", summary.overall));
  table.extra = {{"importer", imported.importer},
                 {"tokens", summary.tokens},
                 {"steps", summary.steps},
                 {"step.tokens", tokens},
                 {"layer.experts", imported.num_experts},
                 {"checks", check_rows(imported)}};
  print_table(table, arguments);
  note(fmt::format("{} tokens in {} steps of {}, {} experts, read as {}", summary.tokens,
                   summary.steps, tokens, imported.num_experts, imported.importer));
  return 0;
}

std::string output_path(const Arguments& arguments) {
  if (!arguments.has("output"))
    throw UsageError("hotexpert trace: name the file to write: -o trace.safetensors");
  return arguments.get("output");
}

int import_file(const Arguments& arguments) {
  const std::string path = output_path(arguments);
  const ImportedTrace imported = import(arguments, "strict");
  note_checks(imported);
  if (imported.recording.arrays) {
    write_trace(path, *imported.recording.arrays);
  } else {
    write_loads(path, *imported.recording.loads);
  }
  note(fmt::format("{} (read as {}{})", path, imported.importer,
                   imported.tokens_left_out > 0
                       ? fmt::format(", {} tokens left out", imported.tokens_left_out)
                       : ""));
  return 0;
}

int gen(const Arguments& arguments) {
  const std::string path = output_path(arguments);
  Scenario scenario;
  for (const auto& axis : axes()) {
    if (!arguments.has(axis.name)) continue;
    scenario.set(axis.name, arguments.get(axis.name), fmt::format("--{}", axis.name));
    if (scenario.values(axis).size() > 1)
      throw UsageError(fmt::format("--{}: trace gen takes one value", axis.name));
  }
  PointSpec spec = make_point_spec(scenario.expand(kSweepScopes).front());
  spec.trace.needs_weights = true;
  const auto trace = TraceCache(1).open(spec.trace);
  write_trace(path, arrays_of(*trace, available_threads()));
  for (const auto& warning : trace->info().warnings) warn(warning);
  if (const auto& target = trace->info().target) {
    note(fmt::format("{}={:.6g} gives {} {:.4g} ({:.4g} wanted)", target->parameter, target->value,
                     target->metric, target->achieved, target->wanted));
  }
  note(path);
  return 0;
}

struct ActionRow {
  std::string_view name;
  int (*run)(const Arguments&);
};

constexpr std::array kActions = {ActionRow{"info", info}, ActionRow{"import", import_file},
                                 ActionRow{"gen", gen}};

}  // namespace

CommandSyntax trace_syntax() {
  CommandSyntax syntax{
      "info|import|gen FILE...",
      1,
      -1,
      {{"output,o", "FILE", "trace to write: .safetensors, .npz or .npy"},
       {"format", "NAME", "importer [decided by content; hotexpert list importers]"},
       {"axes", "ORDER", "axis order of plain arrays [token,layer,slot]"},
       {"weights", "FILE", "file with the gate weights"},
       {"absent", "ID", "expert id that means 'no expert', beside -1"},
       {"on-bad", "WHAT",
        "tokens with bad ids: strict, drop or keep [import: strict, info: keep]"}},
      {AxisScope::kSeed, AxisScope::kLayer, AxisScope::kTrace}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int trace_run(const Arguments& arguments) {
  return find_row(kActions, "action of trace", arguments.positional.front()).run(arguments);
}

}  // namespace hotexpert
