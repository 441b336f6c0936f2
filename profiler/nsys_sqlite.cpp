#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
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
};

/// Ranges by thread, by begin; enclosing ranges first.
using RangesByThread = std::map<std::int64_t, std::vector<Range>>;

RangesByThread read_ranges(const Database& database) {
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
  database.each(
      "SELECT globalTid, start, end, COALESCE(text, (SELECT value FROM StringIds WHERE id = "
      "textId)), domainId, eventType FROM NVTX_EVENTS WHERE end IS NOT NULL ORDER BY start, end "
      "DESC",
      [&](const Row& row) {
        if (row.integer(5) == kPushPopRange && is_ours[row.integer(4)])
          ranges[row.integer(0)].push_back({row.integer(1), row.integer(2), row.text(3), -1});
      });
  std::vector<Range*> layers;
  for (auto& [thread, list] : ranges) {
    for (auto& range : list) {
      if (range.name == "layer") layers.push_back(&range);
    }
  }
  std::ranges::stable_sort(layers, {}, &Range::begin_ns);
  for (std::size_t i = 0; i < layers.size(); ++i)
    layers[i]->layer_index = static_cast<std::int64_t>(i);
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

std::vector<NsysKernel> read_nsys_sqlite(const std::filesystem::path& file) {
  const Database database(file);
  const auto ranges = read_ranges(database);
  std::vector<NsysKernel> kernels;
  if (!database.has_table("CUPTI_ACTIVITY_KIND_KERNEL")) return kernels;
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
  return kernels;
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
