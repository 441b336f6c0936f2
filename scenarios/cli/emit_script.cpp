#include "scenarios/cli/emit_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "scenarios/runner/axes.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

/// A word as a POSIX shell reads it back.
std::string quoted(const std::string& word) {
  const bool plain = word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "-_=+:,./^") == std::string::npos;
  if (plain && !word.empty()) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string program() {
  std::error_code error;
  const auto path = fs::read_symlink("/proc/self/exe", error);
  return quoted(error ? "hotexpert" : path.string());
}

/// The sweep as it was asked for, from the scenario on.
std::string sweep_arguments(const Arguments& arguments) {
  std::string out = quoted(arguments.positional.front());
  for (const auto& axis : axes()) {
    if (arguments.has(axis.name))
      out += fmt::format(" --{} {}", axis.name, quoted(arguments.get(axis.name)));
  }
  if (arguments.has("yes")) out += " --yes";
  if (arguments.has("jobs")) out += fmt::format(" --jobs {}", quoted(arguments.get("jobs")));
  return out;
}

int shard_count(const Scenario& scenario, const Arguments& arguments) {
  const std::int64_t points = scenario.point_count(kSweepScopes);
  const std::int64_t wanted =
      arguments.has("shards") ? parse_integer(arguments.get("shards"), "--shards") : 4;
  if (wanted < 1 || wanted > 100000)
    throw UsageError(fmt::format("--shards: {} is outside 1 to 100000", wanted));
  return static_cast<int>(std::min(wanted, points));
}

/// Processes of each task: ep.ranks where ranks are processes.
std::string ranks_of_task(const Scenario& scenario) {
  if (scenario.values(find_axis("ep.exec")).front() != "mpi") return "";
  const auto ranks = scenario.values(find_axis("ep.ranks"));
  if (ranks.size() != 1) {
    throw UsageError(
        fmt::format("--emit slurm: a task has one number of processes, and ep.ranks has {} values; "
                    "emit a script for each",
                    ranks.size()));
  }
  return ranks.front();
}

std::string slurm_script(const Scenario& scenario, const Arguments& arguments, int shards) {
  const std::string ranks = ranks_of_task(scenario);
  const std::string dir = quoted(fs::absolute(arguments.get("output")).string());
  std::string out = "#!/bin/sh\n";
  out +=
      fmt::format("# {} points in {} shards. sbatch THIS_FILE; then, when all tasks have ended:\n",
                  scenario.point_count(kSweepScopes), shards);
  out += fmt::format("#   {} merge {} -o {}/merged\n", program(), dir, dir);
  out += fmt::format("#SBATCH --job-name=hotexpert\n#SBATCH --array=0-{}\n", shards - 1);
  if (!ranks.empty()) out += fmt::format("#SBATCH --ntasks={}\n", ranks);
  out += fmt::format("set -eu\ncd {}\n", quoted(fs::current_path().string()));
  out += fmt::format("{}{} sweep {} --shard auto --resume -o {}\n",
                     ranks.empty() ? "exec " : "exec srun --mpi=pmix ", program(),
                     sweep_arguments(arguments), dir);
  return out;
}

std::string parallel_script(const Scenario& scenario, const Arguments& arguments, int shards) {
  const std::string dir = quoted(fs::absolute(arguments.get("output")).string());
  std::string out = "#!/bin/sh\n";
  out += fmt::format(
      "# {} points in {} shards on this machine, $JOBS at a time (1 where they are timed: shards\n"
      "# that run side by side disturb each other's clocks), then merged.\nset -eu\n",
      scenario.point_count(kSweepScopes), shards);
  out += fmt::format("cd {}\n", quoted(fs::current_path().string()));
  out += fmt::format(
      "seq 0 {} | xargs -P \"${{JOBS:-1}}\" -I INDEX {} sweep {} --shard INDEX/{} --resume -o {}\n",
      shards - 1, program(), sweep_arguments(arguments), shards, dir);
  out += fmt::format("exec {} merge {} -o {}/merged\n", program(), dir, dir);
  return out;
}

}  // namespace

std::string emit_script(const Scenario& scenario, const Arguments& arguments) {
  const std::string kind = arguments.get("emit");
  const int shards = shard_count(scenario, arguments);
  if (kind == "slurm") return slurm_script(scenario, arguments, shards);
  if (kind == "parallel") return parallel_script(scenario, arguments, shards);
  throw UsageError(fmt::format("--emit: '{}' is neither slurm nor parallel", kind));
}

}  // namespace hotexpert
