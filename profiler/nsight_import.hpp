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

/// A `layer` range with its payload, where the export holds it (profiler/annotate.hpp).
struct NsysLayer {
  std::uint64_t begin_ns = 0;  ///< on the host
  std::uint64_t end_ns = 0;
  bool has_payload = false;
  std::int64_t layer = 0;
  std::int64_t tokens = 0;
  std::int64_t active_experts = 0;
  std::int64_t max_load = 0;
  double capacity_factor = 0;
  std::string kernel;
};

struct NsysReport {
  std::vector<NsysKernel> kernels;  ///< by begin; none where the report holds none
  std::vector<NsysLayer> layers;    ///< by begin; NsysKernel::layer_index points here
  std::string partial;  ///< what the export does not hold, and what that costs; "" when nothing
};

/// Reads what `nsys export --type sqlite` wrote: kernels (CUPTI_ACTIVITY_KIND_KERNEL), and through
/// the launch that each is correlated with (…_RUNTIME) the push/pop ranges of domain `hotexpert`
/// open on the launching thread (NVTX_EVENTS). Payloads are decoded by the schema in the export
/// (NVTX_PAYLOAD_SCHEMA_ENTRIES); an export without them has layers without payload. Payloads are
/// blobs, which `nsys export` leaves out unless --include-blobs=true is given.
/// Source: NVIDIA Nsight Systems, Post-Collection Analysis Guide, "SQLite Schema Reference"
/// (release 2026.4, schema 3.28.1); event types by name from ENUM_NSYS_EVENT_TYPE; the 32 bytes
/// before a payload as in the exports that public analysers of NCCL's payloads decode.
/// @throws InputError naming the file when it is no such export, has no domain hotexpert, lacks a
/// table or column that is read (both what is expected and what is there are named, with the schema
/// version), or holds times that cannot be
NsysReport read_nsys_sqlite(const std::filesystem::path& file);

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
  std::string stage;    ///< innermost range of domain hotexpert; "" without `--nvtx`
  std::string section;  ///< "" on the raw page
  std::string metric;
  std::string unit;
  double value = 0;
};

/// Reads what `ncu --csv` printed: the details page (a line a metric) or the raw page (a column a
/// metric, units in the second line). Lines before the header, of the tool or of the program it
/// ran, are skipped, thousands separators are read, metrics that are no numbers ("n/a") and lines
/// of rules, which have no metric, are left out.
/// Source: NVIDIA Nsight Compute CLI, "Output Pages"; columns as exports of 2020 to 2026 have them:
/// ID, Process ID, Process Name, Host Name, the two NVTX columns where ranges were collected,
/// Kernel Name, Context, Stream, Block Size, Grid Size, Device, CC, then Section Name, Metric Name,
/// Metric Unit, Metric Value and five columns of rules, or on the raw page a column a metric.
/// @param origin names the text in errors
/// @throws InputError with line number when a column is missing or a line has another number of
///         fields
std::vector<NcuValue> read_ncu_csv(std::string_view text, std::string_view origin);

}  // namespace hotexpert
