#include "profiler/external_profiler.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>

namespace hotexpert {
namespace {

struct ToolRow {
  ExternalProfiler tool;
  std::string_view name;
  std::string_view library;  ///< part of the file name of what it injects
};

constexpr std::array kTools = {
    ToolRow{ExternalProfiler::kNsightSystems, "nsys", "libToolsInjection"},
    ToolRow{ExternalProfiler::kNsightCompute, "ncu", "libcuda-injection"},
    ToolRow{ExternalProfiler::kComputeSanitizer, "compute-sanitizer", "libsanitizer-collection"},
};

}  // namespace

std::string_view name(ExternalProfiler tool) {
  return std::ranges::find(kTools, tool, &ToolRow::tool)->name;
}

std::optional<ExternalProfiler> external_profiler_in(std::string_view memory_map) {
  for (const auto& row : kTools) {
    if (memory_map.find(row.library) != std::string_view::npos) return row.tool;
  }
  return std::nullopt;
}

std::optional<ExternalProfiler> external_profiler() {
  std::ifstream file("/proc/self/maps");
  const std::string map(std::istreambuf_iterator<char>(file), {});
  return external_profiler_in(map);
}

}  // namespace hotexpert
