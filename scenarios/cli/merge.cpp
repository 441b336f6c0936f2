#include <fmt/format.h>

#include "reports/merge.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/findings_text.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {

CommandSyntax merge_syntax() {
  return {"SHARD_DIR...",
          1,
          -1,
          {{"output,o", "RUN_DIR", "folder for the whole run; must be given"}},
          {},
          {{"SHARD_DIR...", "folders that `sweep --shard` wrote, or the folder that holds them"}}};
}

int merge_run(const Arguments& arguments) {
  if (!arguments.has("output"))
    throw UsageError("merge: give the folder for the run with -o RUN_DIR");
  std::vector<Run> shards;
  for (const auto& dir : shard_folders(arguments.positional)) {
    shards.push_back(read_run(dir));
    warn_about(shards.back());
  }
  const auto problems = incomplete_shards(shards);
  if (!problems.empty()) {
    for (const auto& problem : problems) warn(problem);
    throw InputError(
        fmt::format("merge: the shards are not a whole run: {}{}", problems.front(),
                    problems.size() > 1 ? fmt::format(", and {} more", problems.size() - 1) : ""));
  }
  const auto written = write_merged(shards, arguments.get("output"));
  note(fmt::format("merged {} points of {} shards into {}", written, shards.size(),
                   arguments.get("output")));
  return 0;
}

}  // namespace hotexpert
