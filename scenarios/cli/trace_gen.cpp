#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {

/// A synthetic trace, written to a file.
int trace_gen(const Arguments& arguments) {
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

}  // namespace hotexpert
