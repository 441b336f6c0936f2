#include <array>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kTraceActions = {
    ActionRow{"info", "info FILE...",
              "what a recording holds: shape, loads, skew, and every check of it", trace_info},
    ActionRow{"import", "import FILE... -o TRACE",
              "read any format (hotexpert list importers) and write one trace", trace_import},
    ActionRow{"gen", "gen -o TRACE", "draw a trace from a skew model (the axes below)", trace_gen},
    ActionRow{"anatomy", "anatomy FILE...",
              "where the imbalance comes from: noise, stable popularity, drift, order of tokens",
              trace_anatomy},
    ActionRow{"twin", "twin FILE... -o TRACE",
              "draw a synthetic trace that drops and skews as the recorded one", trace_twin},
    ActionRow{"export", "export FILE... -o OUTPUT",
              "write loads or ids in another tool's format (hotexpert list trace-writers)",
              trace_export}};

}  // namespace

CommandSyntax trace_syntax() {
  CommandSyntax syntax{"info|import|gen|anatomy|twin|export FILE...",
                       1,
                       -1,
                       {{"output,o", "FILE", "trace to write (hotexpert list trace-writers)"}},
                       {AxisScope::kSeed, AxisScope::kLayer, AxisScope::kTrace}};
  const auto add = [&](const std::vector<OptionRow>& options) {
    syntax.options.insert(syntax.options.end(), options.begin(), options.end());
  };
  add(recording_options());
  add({{"ranks", "N", "anatomy: expert ranks for co-activation [8]"},
       {"windows", "N", "anatomy: equal parts of the trace between which popularity drifts [8]"},
       {"window", "TOKENS", "twin: tokens over which popularity is taken as constant [64]"}});
  add(table_options());
  syntax.arguments = argument_rows(kTraceActions);
  return syntax;
}

int trace_run(const Arguments& arguments) {
  return find_row(kTraceActions, "action of trace", arguments.positional.front()).run(arguments);
}

}  // namespace hotexpert
