#include <fmt/format.h>

#include "reports/file_ops.hpp"
#include "reports/gate/gate.hpp"
#include "reports/gate/gate_output.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

/// "5%" or "0.05" as a fraction.
double read_fraction(const std::string& text, std::string_view option) {
  const bool percent = !text.empty() && text.back() == '%';
  const double value =
      parse_double(percent ? text.substr(0, text.size() - 1) : text, option) / (percent ? 100 : 1);
  if (!(value > 0 && value < 10))
    throw UsageError(fmt::format("{}: '{}' is not a share like 5% or 0.05", option, text));
  return value;
}

GateOptions read_options(const Arguments& arguments) {
  GateOptions options;
  options.metric = arguments.get("metric", options.metric);
  if (arguments.has("threshold"))
    options.threshold = read_fraction(arguments.get("threshold"), "--threshold");
  if (arguments.has("fail-on"))
    options.fail_on = read_fraction(arguments.get("fail-on"), "--fail-on");
  options.across_machines = arguments.has("across-machines");
  return options;
}

}  // namespace

CommandSyntax compare_syntax() {
  return {"BASE_DIR NEW_DIR",
          2,
          2,
          {{"fail-on", "SHARE",
            "exit 1 when a point, or all points of one skew, got slower by more: 5%"},
           {"threshold", "SHARE", "smaller changes count as the same [1%]"},
           {"metric", "NAME", "metric to compare [layer.total_s]"},
           {"across-machines", "", "compare although the machines differ"},
           {"junit", "FILE", "also write JUnit XML, a test case a pair"},
           {"md", "", "print the sentences and the table as Markdown"},
           {"json", "", "print one JSON object, pairs under \"rows\""}},
          {}};
}

int compare_run(const Arguments& arguments) {
  const Run base = read_run(arguments.positional[0]);
  const Run now = read_run(arguments.positional[1]);
  const GateResult result = compare_runs(base, now, read_options(arguments));
  if (arguments.has("junit"))
    write_file(system_files(), arguments.get("junit"), gate_junit(result));
  if (arguments.has("json")) {
    write_stdout(gate_json(result).dump() + "\n");
  } else if (arguments.has("md")) {
    write_stdout(gate_markdown(result));
  } else {
    std::string text;
    for (const auto& sentence : gate_sentences(result)) text += "- " + printable(sentence) + "\n";
    write_stdout(text);
  }
  return static_cast<int>(result.regressions.empty() ? ExitCode::kDone : ExitCode::kPointsFailed);
}

}  // namespace hotexpert
