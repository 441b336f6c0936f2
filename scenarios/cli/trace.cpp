#include <array>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

struct ActionRow {
  std::string_view name;
  int (*run)(const Arguments&);
};

constexpr std::array kActions = {ActionRow{"info", trace_info}, ActionRow{"import", trace_import},
                                 ActionRow{"gen", trace_gen},   ActionRow{"anatomy", trace_anatomy},
                                 ActionRow{"twin", trace_twin}, ActionRow{"export", trace_export}};

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
  return syntax;
}

int trace_run(const Arguments& arguments) {
  return find_row(kActions, "action of trace", arguments.positional.front()).run(arguments);
}

}  // namespace hotexpert
