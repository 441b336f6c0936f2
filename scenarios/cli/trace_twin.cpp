#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/trace_writer.hpp"
#include "sim/traces/twin.hpp"

namespace hotexpert {

/// A synthetic trace that behaves like a recorded one, written to a file, and how well it does.
int trace_twin(const Arguments& arguments) {
  const std::string path = output_path(arguments);
  TwinOptions options;
  options.threads = available_threads();
  options.seed = static_cast<std::uint64_t>(one_value(arguments, "seed", 1));
  if (arguments.has("window")) options.window = parse_integer(arguments.get("window"), "--window");
  const auto steps = all_values(arguments, "step.tokens", {256, 1024, 4096});
  const auto original = read_tokens(arguments, "trace twin imitates tokens");
  const int experts = original.num_experts;
  const auto model = fit_twin(*make_recorded_trace(original, {.num_experts = experts}), options);
  const auto twin = draw_twin(model, options);
  write_trace(path, twin);
  const auto iid = draw_twin(model, options, false);

  CommandTable table;
  table.columns = {"step.tokens", "trace.order", "metric", "original", "twin", "iid"};
  for (const auto& row : twin_fidelity(original, twin, iid, experts, steps, options.threads)) {
    table.rows.push_back(Json::object()
                             .set("step.tokens", row.tokens)
                             .set("trace.order", row.shuffled ? "shuffled" : "recorded")
                             .set("metric", row.metric)
                             .set("original", row.original)
                             .set("twin", row.twin)
                             .set("iid", row.iid));
  }
  table.extra = {{"output", path},
                 {"tokens", model.tokens},
                 {"window", model.window},
                 {"layer.experts", experts}};
  print_table(table, arguments);
  for (const auto tokens : steps) {
    if (tokens > original.tokens())
      warn(fmt::format("step.tokens {}: left out, the trace has {} tokens", tokens,
                       original.tokens()));
  }
  note(
      fmt::format("{}: {} tokens with no row of the original; iid is the wrong answer of "
                  "independent tokens",
                  path, model.tokens));
  return 0;
}

}  // namespace hotexpert
