#include "profiler/nsys_database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i)
    list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMost) list += fmt::format(" and {} more", names.size() - kMost);
  return list.empty() ? "none" : list;
}

}  // namespace

std::int64_t NsysRow::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string NsysRow::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
}

std::string NsysRow::text(int column) const {
  const auto* value = sqlite3_column_text(statement_, column);
  return value == nullptr ? "" : reinterpret_cast<const char*>(value);
}

NsysDatabase::NsysDatabase(const std::filesystem::path& file)
    : file_(file.string()), handle_(nullptr, sqlite3_close) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(file_.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail("cannot be opened");
}

void NsysDatabase::each(const std::string& query,
                        const std::function<void(const NsysRow&)>& use) const {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), query.c_str(), -1, &raw, nullptr) != SQLITE_OK)
    fail("is not an export of Nsight Systems");
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  int result = SQLITE_ROW;
  while ((result = sqlite3_step(raw)) == SQLITE_ROW) use(NsysRow(raw));
  if (result != SQLITE_DONE) fail("is damaged");
}

std::vector<std::string> NsysDatabase::tables() const {
  std::vector<std::string> names;
  each("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name",
       [&](const NsysRow& row) { names.push_back(row.text(0)); });
  return names;
}

std::vector<std::string> NsysDatabase::columns(const std::string& table) const {
  std::vector<std::string> names;
  each("PRAGMA table_info(" + table + ")",
       [&](const NsysRow& row) { names.push_back(row.text(1)); });
  return names;
}

bool NsysDatabase::has_table(const std::string& table) const {
  return std::ranges::count(tables(), table) > 0;
}

bool NsysDatabase::has_column(const std::string& table, const std::string& column) const {
  return std::ranges::count(columns(table), column) > 0;
}

void NsysDatabase::require(const std::string& table, const std::vector<std::string>& wanted) const {
  const auto present = tables();
  if (std::ranges::count(present, table) == 0)
    refuse(fmt::format("table {} is expected; found: {}", table, listed(present)));
  const auto found = columns(table);
  for (const auto& column : wanted) {
    if (std::ranges::count(found, column) == 0)
      refuse(fmt::format("table {} is expected with columns {}; found: {}", table, listed(wanted),
                         listed(found)));
  }
}

std::string NsysDatabase::version() const {
  std::string said;
  const std::string table = "META_DATA_EXPORT";
  if (!has_table(table) || !has_column(table, "name") || !has_column(table, "value")) return said;
  each("SELECT value FROM META_DATA_EXPORT WHERE name = 'EXPORT_SCHEMA_VERSION'",
       [&](const NsysRow& row) { said = fmt::format(" of schema version {}", row.text(0)); });
  return said;
}

void NsysDatabase::refuse(const std::string& what) const {
  throw InputError(
      fmt::format("{}: this export{} cannot be read: {} (write it with `nsys export --type sqlite "
                  "--include-blobs=true REPORT`)",
                  file_, version(), what));
}

void NsysDatabase::fail(std::string_view what) const {
  throw InputError(
      fmt::format("{}: {} ({}); write it with `nsys export --type sqlite "
                  "--include-blobs=true REPORT`",
                  file_, what, sqlite3_errmsg(handle_.get())));
}

}  // namespace hotexpert
