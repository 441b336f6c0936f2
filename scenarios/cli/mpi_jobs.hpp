#pragma once

#include <string>
#include <vector>

#include "scenarios/runner/sweep.hpp"

namespace hotexpert {

// How a command reaches processes of its own. `hotexpert` starts them with mpirun; `hotexpert-ep`,
// which is started with them, leads them. CMake links mpi_launch.cpp or ep/mpi_lead.cpp.

/// Runs points of `ep.exec = mpi`.
ProcessRunner process_runner();

/// Where this process was itself started by mpirun or srun with others: continues as hotexpert-ep
/// with the same arguments, and does not return. Else does nothing.
/// @throws UsageError where hotexpert-ep is not beside this program
void join_processes();

/// Starts `ranks` processes of hotexpert-ep with these arguments and waits for them, `limit_s`
/// seconds at most.   @throws DeviceError saying what is missing, or why the processes ended
void run_processes(int ranks, const std::vector<std::string>& arguments, double limit_s);

}  // namespace hotexpert
