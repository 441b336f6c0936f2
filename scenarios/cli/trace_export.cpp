#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "sim/base/errors.hpp"
#include "sim/traces/trace_writer.hpp"
#include "sim/traces/writers/writer.hpp"

namespace hotexpert {
namespace {

/// Cuts the trace anew; what fills no step is left out, with a warning.
void cut_into_steps(TraceArrays& arrays, std::int64_t step_tokens) {
  const std::int64_t steps = arrays.tokens() / step_tokens;
  if (steps == 0) {
    throw UsageError(fmt::format("--step.tokens: the trace has {} tokens, no step of {}",
                                 arrays.tokens(), step_tokens));
  }
  if (steps * step_tokens < arrays.tokens()) {
    warn(fmt::format("The last {} of {} tokens were left out: they fill no step of {}.",
                     arrays.tokens() - steps * step_tokens, arrays.tokens(), step_tokens));
  }
  keep_first_tokens(arrays, steps * step_tokens);
  arrays.step_offsets.clear();
  for (std::int64_t step = 0; step <= steps; ++step)
    arrays.step_offsets.push_back(step * step_tokens);
}

}  // namespace

/// A trace in the format another tool reads, by the extension of -o.
int trace_export(const Arguments& arguments) {
  const std::string path = output_path(arguments);
  const auto& writer = find_trace_writer(path);
  ImportedTrace imported = read_recording(arguments, "strict");
  warn_of_checks(imported);
  if (imported.recording.arrays) {
    auto& arrays = *imported.recording.arrays;
    if (arguments.has("step.tokens"))
      cut_into_steps(arrays, one_value(arguments, "step.tokens", 1));
    write_trace(path, arrays);
  } else {
    write_loads(path, *imported.recording.loads);
  }
  note(fmt::format("{} ({}: {})", path, writer.name, writer.summary));
  return 0;
}

}  // namespace hotexpert
