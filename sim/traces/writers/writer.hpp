#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

/// One format a trace is written in: a file of its own under sim/traces/writers, found by the
/// extension of the output path.
struct WriterRow {
  std::string_view name;
  std::string_view extension;  ///< ".safetensors"
  std::string_view summary;    ///< what it keeps
  /// @throws OutputError when writing fails; UsageError when the path cannot serve the format
  void (*write)(const std::string& path, const TraceArrays& arrays);
  /// Counts only; nullptr where the format has no place for them.
  void (*write_loads)(const std::string& path, const LoadMatrix& loads);
};

/// Every format, the program's own first.
std::span<const WriterRow> trace_writers();

/// The row of the path's extension.   @throws UsageError listing the known extensions
const WriterRow& find_trace_writer(const std::string& path);

}  // namespace hotexpert
