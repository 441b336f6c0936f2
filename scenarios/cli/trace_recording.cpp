#include "scenarios/cli/trace_recording.hpp"

#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/scenario.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {

std::vector<OptionRow> recording_options() {
  return {{"format", "NAME", "importer [decided by content; hotexpert list importers]"},
          {"axes", "ORDER", "axis order of plain arrays [token,layer,slot]"},
          {"weights", "FILE", "file with the gate weights"},
          {"absent", "ID", "expert id that means 'no expert', beside -1"},
          {"on-bad", "WHAT",
           "tokens with bad ids: strict, drop or keep [import, export: strict; else: keep]"}};
}

std::vector<std::int64_t> all_values(const Arguments& arguments, std::string_view axis,
                                     std::vector<std::int64_t> fallback) {
  if (!arguments.has(axis)) return fallback;
  Scenario scenario;
  scenario.set(axis, arguments.get(axis), fmt::format("--{}", axis));
  std::vector<std::int64_t> out;
  for (const auto& value : scenario.values(find_axis(axis))) {
    out.push_back(parse_integer(value, axis));
  }
  return out;
}

std::int64_t one_value(const Arguments& arguments, std::string_view axis, std::int64_t fallback) {
  const auto values = all_values(arguments, axis, {fallback});
  if (values.size() > 1) throw UsageError(fmt::format("--{}: one value, please", axis));
  return values.front();
}

ImportedTrace read_recording(const Arguments& arguments, std::string_view fallback_on_bad) {
  ImportOptions options;
  options.format = arguments.get("format");
  options.axes = arguments.get("axes");
  options.weights_file = arguments.get("weights");
  options.num_experts = static_cast<int>(one_value(arguments, "layer.experts", 0));
  options.top_k = static_cast<int>(one_value(arguments, "layer.top_k", 0));
  options.tokens_per_step = all_values(arguments, "step.tokens", {0}).front();
  if (arguments.has("absent"))
    options.absent_id = parse_integer(arguments.get("absent"), "--absent");
  options.on_bad = parse_on_bad(arguments.get("on-bad", fallback_on_bad));
  const std::vector<std::string> files(arguments.positional.begin() + 1,
                                       arguments.positional.end());
  if (files.empty()) throw UsageError("hotexpert trace: FILE is missing (hotexpert trace --help)");
  return import_trace(files, options);
}

TraceArrays read_tokens(const Arguments& arguments, std::string_view purpose) {
  ImportedTrace imported = read_recording(arguments, "keep");
  if (!imported.recording.arrays) {
    throw UsageError(fmt::format("{}: holds counts only; {}", arguments.positional.at(1), purpose));
  }
  warn_of_checks(imported);
  return std::move(*imported.recording.arrays);
}

CommandTable checks_table(const ImportedTrace& imported) {
  CommandTable table;
  table.columns = {"check", "severity", "count", "unit", "text"};
  for (const auto& check : imported.checks) {
    table.rows.push_back(Json::object()
                             .set("check", check.name)
                             .set("severity", name(check.severity))
                             .set("count", check.count)
                             .set("unit", check.unit)
                             .set("text", check.text));
  }
  return table;
}

void warn_of_checks(const ImportedTrace& imported) {
  for (const auto& check : imported.checks) {
    if (check.count > 0 && check.severity != Severity::kInfo) warn(check.text);
  }
  for (const auto& warning : imported.recording.warnings) warn(warning);
}

std::string output_path(const Arguments& arguments) {
  if (!arguments.has("output"))
    throw UsageError("hotexpert trace: name the file to write: -o trace.safetensors");
  return arguments.get("output");
}

}  // namespace hotexpert
