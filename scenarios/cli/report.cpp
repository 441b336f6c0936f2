#include <fmt/format.h>

#include "reports/comparison.hpp"
#include "reports/exporters.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/findings_text.hpp"
#include "scenarios/cli/rank_timeline.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/output_file.hpp"

namespace hotexpert {

CommandSyntax report_syntax() {
  return {"RUN_DIR...",
          1,
          -1,
          {{"output,o", "FILE",
            "report to write; its ending decides: .html, .md, .csv, .json, or .perfetto.json, a "
            "timeline with ranks as processes [report.html]"},
           {"json", "", "print everything as one JSON object instead"}},
          {},
          {{"RUN_DIR...", "run folders of sweep, train, drops, place or profile, on one page"}}};
}

int report_run(const Arguments& arguments) {
  std::vector<Run> runs;
  for (const auto& dir : arguments.positional) {
    runs.push_back(read_run(dir));
    warn_about(runs.back());
  }
  const Comparison comparison = make_comparison(std::move(runs));
  if (arguments.has("json")) {
    write_stdout(render_json(comparison) + "\n");
    return 0;
  }
  const std::string path = arguments.get("output", "report.html");
  if (path.ends_with(".perfetto.json")) {
    write_file(system_files(), path, rank_timeline(comparison));
    note(fmt::format("the timeline is {}; open it at ui.perfetto.dev", path));
    return 0;
  }
  write_report(comparison, path);
  write_stdout(findings_text(comparison));
  note(fmt::format("the report is {}", path));
  return 0;
}

}  // namespace hotexpert
