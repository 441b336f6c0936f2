#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "scenarios/runner/profile_point.hpp"
#include "scenarios/runner/sweep.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// A profile for people: timeline summary, ledger, re-runs, remarks.
std::string profile_text(const PointProfile& profile, const std::string& title);

/// The same for programs: {"point", "kernel", "backend", "device", "steps", "timeline", "rows"
/// (the ledger), "warnings" (why it must be read with care), "reruns", "overhead", "cupti",
/// "remarks"}.
Json profile_json(const PointProfile& profile, const std::string& title);

/// `--import FILE`: kernels by stage, and by expert where `expert_rows` says the loads.
/// @param expert_rows [P], or empty
/// @return the exit code
int print_import(const Arguments& arguments, const std::vector<std::int64_t>& expert_rows);

/// What ncu counted for the expert kernels, as metrics of the point: counter.*, kernel.flops_per_s
/// of the planned rows, and with --roof the device's peaks.
/// @throws InputError where the file holds no such counters
void counter_metrics_of(const Arguments& arguments, const PlannedBatch& batch, PointResult& result);

}  // namespace hotexpert
