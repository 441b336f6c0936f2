#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

/// A kernel of an Nsight Systems report with the hotexpert ranges it was launched in.
struct NsysKernel {
  std::string name;
  std::string stage;  ///< innermost range: "expert", "permute", …; empty outside of ranges
  std::string path;   ///< all ranges, outermost first: "sweep/point/step/layer/expert"
  std::int64_t layer_index =
      -1;                      ///< which `layer` range of the report, counted by begin; -1 = none
  std::uint64_t begin_ns = 0;  ///< on the device
  std::uint64_t end_ns = 0;
};

/// Reads what `nsys export --type sqlite` wrote: kernels, and through the launch that each is
/// correlated with the push/pop ranges of domain `hotexpert` open on the launching thread.
/// @return kernels by begin; a report without kernels gives none
/// @throws InputError naming the file when it is no such export, or has no domain hotexpert
std::vector<NsysKernel> read_nsys_sqlite(const std::filesystem::path& file);

/// Kernel time by stage, the longest first; what lies outside of ranges is stage "".
struct StageTime {
  std::string stage;
  double seconds = 0;
  std::int64_t kernels = 0;
};
std::vector<StageTime> stage_times(const std::vector<NsysKernel>& kernels);

/// One metric of one kernel in an Nsight Compute report.
struct NcuValue {
  std::int64_t kernel_id = 0;  ///< the report's ID column
  std::string kernel;
  std::string section;
  std::string metric;
  std::string unit;
  double value = 0;
};

/// Reads what `ncu --csv` printed (one metric a line; lines of the tool before the header are
/// skipped; thousands separators are read; metrics that are no numbers are left out).
/// @param origin names the text in errors
/// @throws InputError with line number when a column is missing or a line has another number of
///         fields
std::vector<NcuValue> read_ncu_csv(std::string_view text, std::string_view origin);

}  // namespace hotexpert
