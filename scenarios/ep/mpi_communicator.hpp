#pragma once

#include <memory>

#include "profiler/communicator.hpp"

namespace hotexpert {

/// All processes of this MPI job. Made once, before anything else; ends MPI when destroyed.
/// A failing call ends the job with MPI's message, as MPI's default is.
std::unique_ptr<Communicator> join_world(int* argc, char*** argv);

/// Ends all processes of the job with this exit code.
[[noreturn]] void abort_world(int exit_code);

}  // namespace hotexpert
