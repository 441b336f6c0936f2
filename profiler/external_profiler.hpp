#pragma once

#include <optional>
#include <string_view>

namespace hotexpert {

/// A tool that watches this process from outside. CUPTI allows one subscriber, so ours stays off.
enum class ExternalProfiler { kNsightSystems, kNsightCompute, kComputeSanitizer };
std::string_view name(ExternalProfiler tool);  ///< "nsys", "ncu", "compute-sanitizer"

/// The tool whose libraries are loaded in a process.
/// @param memory_map text of /proc/self/maps
std::optional<ExternalProfiler> external_profiler_in(std::string_view memory_map);

/// The tool that watches this process, if any.
std::optional<ExternalProfiler> external_profiler();

}  // namespace hotexpert
