#include <fmt/format.h>

#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/trace_actions.hpp"
#include "scenarios/cli/trace_recording.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {

/// Any recording, checked, as a trace file.
int trace_import(const Arguments& arguments) {
  const std::string path = output_path(arguments);
  const ImportedTrace imported = read_recording(arguments, "strict");
  warn_of_checks(imported);
  if (imported.recording.arrays) {
    write_trace(path, *imported.recording.arrays);
  } else {
    write_loads(path, *imported.recording.loads);
  }
  note(fmt::format("{} (read as {})", path, imported.importer));
  return 0;
}

}  // namespace hotexpert
