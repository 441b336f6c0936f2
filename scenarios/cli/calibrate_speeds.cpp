#include <fmt/format.h>

#include <algorithm>

#include "scenarios/cli/calibrate_subjects.hpp"
#include "scenarios/cli/job_folder.hpp"
#include "scenarios/cli/mpi_jobs.hpp"
#include "scenarios/cli/rank_speeds_table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

constexpr double kSpeedsLimit_s = 120;

}  // namespace

int calibrate_speeds_here(const Arguments& arguments) {
  const auto ranks = arguments.has("ep.ranks")
                         ? parse_integer(arguments.get("ep.ranks"), "ep.ranks")
                         : std::clamp(available_threads(), 2, 8);
  if (ranks < 2 || ranks > 4096)
    throw UsageError(fmt::format("ep.ranks: {} processes cannot be compared (2 to 4096)", ranks));
  note(fmt::format("timing the same work in {} processes of this machine", ranks));
  if (ranks > available_threads())
    warn("more processes than cores: what they take from each other is measured too");
  const JobFolder folder;
  const std::string path = folder.file("speeds.json");
  run_processes(static_cast<int>(ranks), {"--speeds", path}, kSpeedsLimit_s);
  print_rank_speeds(rank_seconds_from_json(Json::parse(read_whole_file(path), path)), arguments);
  return 0;
}

}  // namespace hotexpert
