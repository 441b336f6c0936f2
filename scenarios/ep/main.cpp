// hotexpert-ep: one process a rank of an expert-parallel layer. Started by `hotexpert`, mpirun or
// srun.
#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "profiler/annotate.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/rank_speeds_table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/ep/mpi_communicator.hpp"
#include "scenarios/ep/mpi_lead.hpp"
#include "scenarios/ep/network_timing.hpp"
#include "scenarios/ep/speed_timing.hpp"
#include "scenarios/runner/timed_mpi.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"
#include "sim/base/output_file.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kHelp =
    "hotexpert-ep: expert-parallel ranks as processes, one a rank\n\n"
    "Usage: mpirun -n RANKS hotexpert-ep sweep SCENARIO [--AXIS VALUES]... -o RUN_DIR\n"
    "       mpirun -n RANKS hotexpert-ep calibrate speeds\n"
    "       hotexpert sweep SCENARIO --ep.exec mpi --ep.ranks RANKS    starts it by itself\n\n"
    "As root: OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1. More ranks than cores:\n"
    "mpirun --oversubscribe --bind-to none, with OMPI_MCA_mpi_yield_when_idle=1.\n";

/// --point FILE --result FILE: one point, as `hotexpert` asks for it. Rank 0.
int lead_one(const std::string& point, const std::string& out, Communicator& ranks) {
  const Json job = Json::parse(read_whole_file(point), point);
  AxisChoice choice;
  for (const auto& axis : axes()) {
    if (const Json* value = job.find(axis.name)) choice[axis.name] = value->as_string();
  }
  PointResult result;
  {
    const AnnotatedRange sweep(RangeName::kSweep);  // one of `hotexpert`, seen from this process
    const AnnotatedRange one(RangeName::kPoint);
    lead_point(choice, ranks, result);
  }
  lead_end(ranks);
  write_file(system_files(), out, to_json(result).dump());
  return 0;
}

/// sweep SCENARIO ...: a whole sweep, this process writing its points. Rank 0.
int lead_sweep(const std::vector<std::string>& args, Communicator& ranks) {
  const CommandSyntax syntax = sweep_syntax();
  const auto arguments = parse_arguments("sweep", syntax, std::span(args).subspan(1));
  catch_signals();
  lead_with(ranks);
  const int code = sweep_run(arguments);
  lead_end(ranks);
  return code;
}

/// --network FILE: timed exchanges as JSON. Every rank.
int time_network(const std::string& out, Communicator& ranks) {
  const auto samples = time_exchanges(ranks);
  if (ranks.rank() == 0) write_file(system_files(), out, to_json(samples).dump());
  return 0;
}

/// --speeds FILE: the same work timed on every rank, as JSON. Every rank.
int time_speeds(const std::string& out, Communicator& ranks) {
  const auto samples = time_same_work(ranks);
  if (ranks.rank() == 0) write_file(system_files(), out, to_json(samples).dump());
  return 0;
}

/// calibrate speeds ...: started under mpirun or srun, over the machines of a job. Every rank.
int calibrate_speeds(const std::vector<std::string>& args, Communicator& ranks) {
  const auto samples = time_same_work(ranks);
  if (ranks.rank() == 0)
    print_rank_speeds(samples,
                      parse_arguments("calibrate", calibrate_syntax(), std::span(args).subspan(1)));
  return 0;
}

int run(const std::vector<std::string>& args, Communicator& ranks) {
  if (args.size() == 2 && args[0] == "--speeds") return time_speeds(args[1], ranks);
  if (args.size() >= 2 && args[0] == "calibrate" && args[1] == "speeds")
    return calibrate_speeds(args, ranks);
  if (args.size() == 2 && args[0] == "--network") return time_network(args[1], ranks);
  const bool one = args.size() == 4 && args[0] == "--point" && args[2] == "--result";
  const bool sweep = !args.empty() && args[0] == "sweep";
  if (!one && !sweep) {
    if (ranks.rank() == 0) write_stdout(kHelp);
    return static_cast<int>(ExitCode::kUsage);
  }
  if (ranks.rank() != 0) {
    follow(ranks);
    return 0;
  }
  return one ? lead_one(args[1], args[3], ranks) : lead_sweep(args, ranks);
}

}  // namespace
}  // namespace hotexpert

int main(int argc, char** argv) {
  const auto ranks = hotexpert::join_world(&argc, &argv);
  int code = static_cast<int>(hotexpert::ExitCode::kPointsFailed);
  try {
    return hotexpert::run(std::vector<std::string>(argv + 1, argv + argc), *ranks);
  } catch (const hotexpert::Error& error) {
    fmt::print(stderr, "hotexpert-ep: {}\n", hotexpert::printable(error.what()));
    code = static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "hotexpert-ep: {}\n", hotexpert::printable(error.what()));
  }
  hotexpert::abort_world(code);  // the other ranks wait for this one
}
