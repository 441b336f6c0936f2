#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <tuple>

#include "profiler/nsight_import.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kPushPopRange = 59;  // NvtxPushPopRange in the export's ENUM_NSYS_EVENT_TYPE
constexpr std::int64_t kDomainCreate = 75;  // NvtxDomainCreate: text is the domain's name

/// One table row while it is being read.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* value = sqlite3_column_text(statement_, column);
    return value == nullptr ? "" : reinterpret_cast<const char*>(value);
  }

 private:
  sqlite3_stmt* statement_;
};

class Database {
 public:
  explicit Database(const std::filesystem::path& file) : file_(file.string()) {
    sqlite3* handle = nullptr;
    const int result = sqlite3_open_v2(file_.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
    handle_.reset(handle);
    if (result != SQLITE_OK) fail("cannot be opened");
  }

  void each(const char* query, const std::function<void(const Row&)>& use) const {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), query, -1, &raw, nullptr) != SQLITE_OK)
      fail("is not an export of Nsight Systems");
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
    int result = SQLITE_ROW;
    while ((result = sqlite3_step(raw)) == SQLITE_ROW) use(Row(raw));
    if (result != SQLITE_DONE) fail("is damaged");
  }

  [[nodiscard]] bool has_table(const std::string& table) const {
    bool found = false;
    each("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
         [&](const Row& row) { found = found || row.text(0) == table; });
    return found;
  }

  [[nodiscard]] bool has_column(const std::string& table, std::string_view column) const {
    bool found = false;
    each(("PRAGMA table_info(" + table + ")").c_str(),
         [&](const Row& row) { found = found || row.text(1) == column; });
    return found;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw InputError(fmt::format("{}: {} ({}); write it with `nsys export --type sqlite REPORT`",
                                 file_, what, sqlite3_errmsg(handle_.get())));
  }

 private:
  std::string file_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_{nullptr, sqlite3_close};
};

/// A push/pop range of domain hotexpert.
struct Range {
  std::int64_t begin_ns;
  std::int64_t end_ns;
  std::string name;
  std::int64_t layer_index = -1;
  std::string payload;  ///< binaryData
};

/// Ranges by thread, by begin; enclosing ranges first.
using RangesByThread = std::map<std::int64_t, std::vector<Range>>;

/// Where each field of a payload schema lies.
using SchemaFields = std::map<std::string, std::int64_t>;

/// The payload schemas of the report by domain and schema id.
std::map<std::pair<std::int64_t, std::int64_t>, SchemaFields> read_schemas(
    const Database& database) {
  std::map<std::pair<std::int64_t, std::int64_t>, SchemaFields> schemas;
  if (!database.has_table("NVTX_PAYLOAD_SCHEMA_ENTRIES")) return schemas;
  database.each("SELECT domainId, schemaId, name, offset FROM NVTX_PAYLOAD_SCHEMA_ENTRIES",
                [&](const Row& row) {
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

RangesByThread read_ranges(const Database& database, std::vector<NsysLayer>& found_layers) {
  std::map<std::int64_t, bool> is_ours;  // by domain id
  database.each(
      "SELECT domainId, COALESCE(text, (SELECT value FROM StringIds WHERE id = textId)), eventType "
      "FROM NVTX_EVENTS",
      [&](const Row& row) {
        if (row.integer(2) == kDomainCreate) is_ours[row.integer(0)] = row.text(1) == "hotexpert";
      });
  if (std::ranges::none_of(is_ours, [](const auto& domain) { return domain.second; }))
    database.fail("has no NVTX domain `hotexpert`: trace with --trace=cuda,nvtx");

  RangesByThread ranges;
  const std::string data = database.has_column("NVTX_EVENTS", "binaryData") ? "binaryData" : "NULL";
  const std::string query =
      "SELECT globalTid, start, end, COALESCE(text, (SELECT value FROM StringIds WHERE id = "
      "textId)), domainId, eventType, " +
      data + " FROM NVTX_EVENTS WHERE end IS NOT NULL ORDER BY start, end DESC";
  database.each(query.c_str(), [&](const Row& row) {
    if (row.integer(5) == kPushPopRange && is_ours[row.integer(4)])
      ranges[row.integer(0)].push_back(
          {row.integer(1), row.integer(2), row.text(3), -1, row.bytes(6)});
  });
  std::vector<Range*> layers;
  for (auto& [thread, list] : ranges) {
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
  for (const auto& range : ranges) {
    if (range.begin_ns > moment_ns) break;
    if (range.end_ns <= moment_ns) continue;
    kernel.path += (kernel.path.empty() ? "" : "/") + range.name;
    kernel.stage = range.name;
    if (range.layer_index >= 0) kernel.layer_index = range.layer_index;
  }
}

}  // namespace

NsysReport read_nsys_sqlite(const std::filesystem::path& file) {
  const Database database(file);
  NsysReport report;
  const auto ranges = read_ranges(database, report.layers);
  auto& kernels = report.kernels;
  if (!database.has_table("CUPTI_ACTIVITY_KIND_KERNEL")) return report;
  // A correlation id is unique within a process; its upper bits are in globalPid and globalTid.
  database.each(
      "SELECT name.value, kernel.start, kernel.end, launch.globalTid, launch.start "
      "FROM CUPTI_ACTIVITY_KIND_KERNEL AS kernel "
      "LEFT JOIN StringIds AS name ON name.id = kernel.demangledName "
      "LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS launch "
      "ON launch.correlationId = kernel.correlationId "
      "AND launch.globalTid / 0x1000000 = kernel.globalPid / 0x1000000 "
      "ORDER BY kernel.start, kernel.end",
      [&](const Row& row) {
        NsysKernel kernel;
        kernel.name = row.text(0);
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
