#pragma once

#include <string>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/runner/scenario.hpp"

namespace hotexpert {

/// A script that runs this sweep in shards and merges them: `--emit slurm`, a job array to hand to
/// sbatch, or `--emit parallel`, all shards on this machine. Each shard resumes what it had
/// finished.
/// @throws UsageError for another kind, or processes of several numbers of ranks in one array
std::string emit_script(const Scenario& scenario, const Arguments& arguments);

}  // namespace hotexpert
