#pragma once

#include <filesystem>

#include "profiler/measure_warning.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// What a result depends on besides the scenario, by allow-list: processor (model, cores, caches,
/// instruction sets, governor, quota), memory, operating system and kernel release, load average,
/// build (version, compiler, switches), oneDNN, OpenMP, CUDA (toolkit, driver, devices), Nsight
/// tools. Never a user, host or path name; of the environment only the variables that
/// environment.cpp lists, and only values without path characters. A fact that cannot be read is
/// {"absent": "<reason>"}.
///
/// Read it when the program starts, before its own work raises the load average.
/// @param system_root where /proc, /sys and /etc are looked up; tests pass a folder of their own
Json environment_record(const std::filesystem::path& system_root = "/");

/// The load in an environment record, for MeasureOptions::machine_load. Zero load where absent.
MachineLoad machine_load(const Json& environment);

}  // namespace hotexpert
