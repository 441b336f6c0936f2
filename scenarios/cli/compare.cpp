#include <fmt/format.h>

#include <optional>

#include "reports/file_ops.hpp"
#include "reports/gate/gate.hpp"
#include "reports/gate/gate_output.hpp"
#include "reports/gate/power.hpp"
#include "reports/gate/rounds.hpp"
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
           {"self-check", "",
            "first compare equals and known slowdowns drawn from the base's samples; refuse a "
            "--fail-on below what they can show"},
           {"junit", "FILE", "also write JUnit XML, a test case a pair"},
           {"md", "", "print the sentences and the table as Markdown"},
           {"json", "", "print one JSON object, pairs under \"rows\""}},
          {}};
}

int compare_run(const Arguments& arguments) {
  const auto [base, now] = read_sides(arguments.positional[0], arguments.positional[1]);
  const GateOptions options = read_options(arguments);
  std::optional<GatePower> power;
  if (arguments.has("self-check")) {
    power = power_of(base, options);
    for (const auto& sentence : power_sentences(*power)) note(sentence);
    require_power(*power, options);
  }
  const GateResult result = compare_runs(base, now, options);
  if (arguments.has("junit"))
    write_file(system_files(), arguments.get("junit"), gate_junit(result));
  if (arguments.has("json")) {
    Json out = gate_json(result);
    if (power) out.set("self_check", power_json(*power));
    write_stdout(out.dump() + "\n");
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
