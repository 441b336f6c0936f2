#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "profiler/nsight_import.hpp"
#include "profiler/nsys_database.hpp"

namespace hotexpert {
namespace {

/// Values of NVTX_EVENTS.eventType that are read. The export's own ENUM_NSYS_EVENT_TYPE decides;
/// these are what it has said so far.
struct EventTypes {
  std::int64_t push_pop_range = 59;
  std::int64_t domain_create = 75;  ///< text is the domain's name
};

EventTypes read_event_types(const NsysDatabase& database) {
  EventTypes types;
  const std::string table = "ENUM_NSYS_EVENT_TYPE";
  if (!database.has_table(table)) return types;
  database.require(table, {"id", "name"});
  database.each("SELECT id, name FROM ENUM_NSYS_EVENT_TYPE", [&](const NsysRow& row) {
    if (row.text(1) == "NvtxPushPopRange") types.push_pop_range = row.integer(0);
    if (row.text(1) == "NvtxDomainCreate") types.domain_create = row.integer(0);
  });
  return types;
}

/// A push/pop range of domain hotexpert.
struct Range {
  std::int64_t begin_ns;
  std::int64_t end_ns;
  std::string name;
  std::int64_t layer_index = -1;
  std::string payload;         ///< binaryData
  std::ptrdiff_t around = -1;  ///< the innermost range of the thread that is open when it begins
};

/// Ranges by thread, by begin; enclosing ranges first.
using RangesByThread = std::map<std::int64_t, std::vector<Range>>;

/// Where each field of a payload schema lies.
using SchemaFields = std::map<std::string, std::int64_t>;

/// The payload schemas of the report by domain and schema id.
std::map<std::pair<std::int64_t, std::int64_t>, SchemaFields> read_schemas(
    const NsysDatabase& database) {
  std::map<std::pair<std::int64_t, std::int64_t>, SchemaFields> schemas;
  const std::string table = "NVTX_PAYLOAD_SCHEMA_ENTRIES";
  if (!database.has_table(table)) return schemas;
  database.require(table, {"domainId", "schemaId", "name", "offset"});
  database.each("SELECT domainId, schemaId, name, offset FROM NVTX_PAYLOAD_SCHEMA_ENTRIES",
                [&](const NsysRow& row) {
                  schemas[{row.integer(0), row.integer(1)}][row.text(2)] = row.integer(3);
                });
  return schemas;
}

/// Before a payload stand domain id and schema id (4 bytes each, 8 apart) and its two sizes.
constexpr std::size_t kPayloadHeader = 32;

/// Reads fields of one payload; what lies outside of it reads as absent.
class Payload {
 public:
  Payload(const std::string& bytes, const SchemaFields& fields) : bytes_(bytes), fields_(fields) {}

  template <class T>
  [[nodiscard]] bool read(const std::string& field, T& value) const {
    const auto found = fields_.find(field);
    if (found == fields_.end() || found->second < 0) return false;
    const auto place = kPayloadHeader + static_cast<std::size_t>(found->second);
    if (place > bytes_.size() || bytes_.size() - place < sizeof value) return false;
    std::memcpy(&value, bytes_.data() + place, sizeof value);
    return true;
  }
  [[nodiscard]] std::string read_text(const std::string& field) const {
    const auto found = fields_.find(field);
    if (found == fields_.end() || found->second < 0) return "";
    const auto place = kPayloadHeader + static_cast<std::size_t>(found->second);
    if (place >= bytes_.size()) return "";
    return bytes_.substr(place).c_str();  // up to the first NUL
  }

 private:
  const std::string& bytes_;
  const SchemaFields& fields_;
};

NsysLayer layer_of(const Range& range,
                   const std::map<std::pair<std::int64_t, std::int64_t>, SchemaFields>& schemas) {
  NsysLayer layer;
  layer.begin_ns = static_cast<std::uint64_t>(range.begin_ns);
  layer.end_ns = static_cast<std::uint64_t>(range.end_ns);
  if (range.payload.size() < kPayloadHeader) return layer;
  std::uint32_t domain = 0;
  std::uint32_t schema = 0;
  std::memcpy(&domain, range.payload.data(), sizeof domain);
  std::memcpy(&schema, range.payload.data() + 8, sizeof schema);
  const auto fields = schemas.find({domain, schema});
  if (fields == schemas.end()) return layer;
  const Payload payload(range.payload, fields->second);
  layer.has_payload = payload.read("layer", layer.layer) && payload.read("tokens", layer.tokens) &&
                      payload.read("active_experts", layer.active_experts) &&
                      payload.read("max_load", layer.max_load) &&
                      payload.read("capacity_factor", layer.capacity_factor);
  layer.kernel = payload.read_text("kernel");
  return layer;
}

/// Finds what surrounds each range, so that a kernel is placed without a look at all of them.
void nest(std::vector<Range>& ranges) {
  std::vector<std::ptrdiff_t> open;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto has_ended = [&](std::ptrdiff_t outer) {
      return ranges[static_cast<std::size_t>(outer)].end_ns <= ranges[i].begin_ns;
    };
    while (!open.empty() && has_ended(open.back())) open.pop_back();
    if (!open.empty()) ranges[i].around = open.back();
    open.push_back(static_cast<std::ptrdiff_t>(i));
  }
}

RangesByThread read_ranges(const NsysDatabase& database, std::vector<NsysLayer>& found_layers) {
  database.require("StringIds", {"id", "value"});
  database.require("NVTX_EVENTS",
                   {"start", "end", "eventType", "text", "textId", "globalTid", "domainId"});
  const EventTypes types = read_event_types(database);
  std::map<std::int64_t, bool> is_ours;  // by domain id
  database.each(
      "SELECT domainId, COALESCE(text, (SELECT value FROM StringIds WHERE id = textId)), eventType "
      "FROM NVTX_EVENTS",
      [&](const NsysRow& row) {
        if (row.integer(2) == types.domain_create)
          is_ours[row.integer(0)] = row.text(1) == "hotexpert";
      });
  if (std::ranges::none_of(is_ours, [](const auto& domain) { return domain.second; }))
    database.fail("has no NVTX domain `hotexpert`: trace with --trace=cuda,nvtx");

  RangesByThread ranges;
  const std::string data = database.has_column("NVTX_EVENTS", "binaryData") ? "binaryData" : "NULL";
  const std::string query =
      "SELECT globalTid, start, end, COALESCE(text, (SELECT value FROM StringIds WHERE id = "
      "textId)), domainId, eventType, " +
      data + " FROM NVTX_EVENTS WHERE end IS NOT NULL ORDER BY start, end DESC";
  database.each(query, [&](const NsysRow& row) {
    if (row.integer(1) < 0 || row.integer(2) < row.integer(1))
      database.refuse(fmt::format("a range '{}' lasts from {} to {} ns", row.text(3),
                                  row.integer(1), row.integer(2)));
    if (row.integer(5) == types.push_pop_range && is_ours[row.integer(4)])
      ranges[row.integer(0)].push_back(
          {row.integer(1), row.integer(2), row.text(3), -1, row.bytes(6)});
  });
  std::vector<Range*> layers;
  for (auto& [thread, list] : ranges) {
    nest(list);
    for (auto& range : list) {
      if (range.name == "layer") layers.push_back(&range);
    }
  }
  std::ranges::stable_sort(layers, {}, &Range::begin_ns);
  const auto schemas = read_schemas(database);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    layers[i]->layer_index = static_cast<std::int64_t>(i);
    found_layers.push_back(layer_of(*layers[i], schemas));
  }
  return ranges;
}

/// Names the ranges that are open on a thread at a moment.
void place(const std::vector<Range>& ranges, std::int64_t moment_ns, NsysKernel& kernel) {
  const auto later = std::ranges::upper_bound(ranges, moment_ns, {}, &Range::begin_ns);
  std::vector<const Range*> open;  // innermost first
  for (auto i = later - ranges.begin() - 1; i >= 0;
       i = ranges[static_cast<std::size_t>(i)].around) {
    const auto& range = ranges[static_cast<std::size_t>(i)];
    if (range.end_ns > moment_ns) open.push_back(&range);
  }
  for (auto range = open.rbegin(); range != open.rend(); ++range) {
    kernel.path += (kernel.path.empty() ? "" : "/") + (*range)->name;
    kernel.stage = (*range)->name;
    if ((*range)->layer_index >= 0) kernel.layer_index = (*range)->layer_index;
  }
}

/// Kernels with the thread and moment of their launch; without them where the export holds none.
std::string kernel_query(const NsysDatabase& database, NsysReport& report) {
  database.require("CUPTI_ACTIVITY_KIND_KERNEL",
                   {"start", "end", "correlationId", "globalPid", "demangledName"});
  const std::string kernels =
      "FROM CUPTI_ACTIVITY_KIND_KERNEL AS kernel "
      "LEFT JOIN StringIds AS name ON name.id = kernel.demangledName ";
  if (!database.has_table("CUPTI_ACTIVITY_KIND_RUNTIME")) {
    report.partial =
        "the export has no table CUPTI_ACTIVITY_KIND_RUNTIME: kernels have no launch, so no stage "
        "is known (trace with --trace=cuda,nvtx)";
    return "SELECT name.value, kernel.start, kernel.end, 0, -1 " + kernels +
           "ORDER BY kernel.start, kernel.end";
  }
  database.require("CUPTI_ACTIVITY_KIND_RUNTIME", {"start", "globalTid", "correlationId"});
  // A correlation id is unique within a process; its upper bits are in globalPid and globalTid.
  return "SELECT name.value, kernel.start, kernel.end, launch.globalTid, launch.start " + kernels +
         "LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS launch "
         "ON launch.correlationId = kernel.correlationId "
         "AND launch.globalTid / 0x1000000 = kernel.globalPid / 0x1000000 "
         "ORDER BY kernel.start, kernel.end";
}

}  // namespace

NsysReport read_nsys_sqlite(const std::filesystem::path& file) {
  const NsysDatabase database(file);
  NsysReport report;
  const auto ranges = read_ranges(database, report.layers);
  if (std::ranges::none_of(report.layers, &NsysLayer::has_payload) && !report.layers.empty())
    report.partial =
        "no layer range has its payload, so loads and kernels are not named (export again with "
        "--include-blobs=true)";
  auto& kernels = report.kernels;
  if (!database.has_table("CUPTI_ACTIVITY_KIND_KERNEL")) {
    report.partial =
        "the export has no table CUPTI_ACTIVITY_KIND_KERNEL, hence no kernels: was "
        "the device traced (--trace=cuda,nvtx)?";
    return report;
  }
  database.each(kernel_query(database, report), [&](const NsysRow& row) {
    NsysKernel kernel;
    kernel.name = row.text(0);
    if (row.integer(1) < 0 || row.integer(2) < row.integer(1))
      database.refuse(fmt::format("kernel '{}' runs from {} to {} ns", kernel.name, row.integer(1),
                                  row.integer(2)));
    kernel.begin_ns = static_cast<std::uint64_t>(row.integer(1));
    kernel.end_ns = static_cast<std::uint64_t>(row.integer(2));
    const auto thread = ranges.find(row.integer(3));
    if (thread != ranges.end()) place(thread->second, row.integer(4), kernel);
    kernels.push_back(std::move(kernel));
  });
  return report;
}

std::vector<StageTime> stage_times(const std::vector<NsysKernel>& kernels) {
  std::map<std::string, StageTime> by_stage;
  for (const auto& kernel : kernels) {
    auto& stage = by_stage[kernel.stage];
    stage.stage = kernel.stage;
    stage.seconds += 1e-9 * static_cast<double>(kernel.end_ns - kernel.begin_ns);
    ++stage.kernels;
  }
  std::vector<StageTime> times;
  for (auto& [name, stage] : by_stage) times.push_back(std::move(stage));
  std::ranges::stable_sort(times, std::greater{}, &StageTime::seconds);
  return times;
}

}  // namespace hotexpert
