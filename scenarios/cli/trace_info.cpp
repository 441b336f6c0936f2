#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "sim/traces/trace_summary.hpp"

namespace hotexpert {
namespace {

Json layer_row(const Json& layer, const LayerSummary& summary) {
  Json row = Json::object()
                 .set("layer", layer)
                 .set("load.max_over_mean", summary.max_over_mean)
                 .set("load.cv", summary.cv)
                 .set("load.max_vio_batch", summary.max_vio_batch)
                 .set("load.max_vio_global", summary.max_vio_global)
                 .set("load.gini", summary.gini)
                 .set("load.active_experts", summary.active_experts)
                 .set("load.dead_experts", summary.dead_experts);
  if (summary.token_overlap) row.set("load.token_overlap", *summary.token_overlap);
  return row;
}

CommandTable layers_table(const TraceSummary& summary) {
  CommandTable table;
  table.columns = {"layer",
                   "load.max_over_mean",
                   "load.cv",
                   "load.max_vio_batch",
                   "load.max_vio_global",
                   "load.gini",
                   "load.active_experts",
                   "load.dead_experts"};
  if (summary.overall.token_overlap) table.columns.emplace_back("load.token_overlap");
  for (std::size_t layer = 0; layer < summary.layers.size(); ++layer) {
    table.rows.push_back(layer_row(Json(static_cast<std::int64_t>(layer)), summary.layers[layer]));
  }
  table.rows.push_back(layer_row("all", summary.overall));
  return table;
}

}  // namespace

/// What a recording holds, layer by layer, and what its checks found.
int trace_info(const Arguments& arguments) {
  const ImportedTrace imported = read_recording(arguments, "keep");
  warn_of_checks(imported);
  const auto& recording = imported.recording;
  const std::int64_t tokens = one_value(arguments, "step.tokens", 1024);
  const TraceSummary summary = recording.arrays
                                   ? summarize(*recording.arrays, imported.num_experts, tokens)
                                   : summarize(*recording.loads);
  CommandTable table = layers_table(summary);
  const CommandTable checks = checks_table(imported);
  table.extra = {{"importer", imported.importer},
                 {"tokens", summary.tokens},
                 {"steps", summary.steps},
                 {"step.tokens", recording.arrays ? Json(tokens) : Json()},
                 {"layer.experts", imported.num_experts},
                 {"checks", Json(checks.rows)}};
  print_table(table, arguments);
  if (arguments.has("md")) write_stdout("\n" + markdown_table(checks));
  const bool plain = !arguments.has("json") && !arguments.has("csv") && !arguments.has("md");
  if (plain) write_stdout("\n" + text_table(checks));
  const std::string cut = recording.arrays ? fmt::format("{} tokens in {} steps of {}",
                                                         summary.tokens, summary.steps, tokens)
                                           : fmt::format("counts of {} steps", summary.steps);
  note(fmt::format("{}, {} experts, read as {}", cut, imported.num_experts, imported.importer));
  return 0;
}

}  // namespace hotexpert
