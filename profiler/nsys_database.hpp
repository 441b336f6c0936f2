#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace hotexpert {

/// One table row while it is being read. A value of another type reads as SQLite converts it: NULL
/// as 0 and "".
class NsysRow {
 public:
  explicit NsysRow(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string bytes(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// The SQLite file of `nsys export`, opened for reading. Every failure is an InputError that names
/// the file and what to do.
class NsysDatabase {
 public:
  explicit NsysDatabase(const std::filesystem::path& file);

  void each(const std::string& query, const std::function<void(const NsysRow&)>& use) const;
  [[nodiscard]] std::vector<std::string> tables() const;  ///< and views, by name
  [[nodiscard]] std::vector<std::string> columns(const std::string& table) const;
  [[nodiscard]] bool has_table(const std::string& table) const;
  [[nodiscard]] bool has_column(const std::string& table, const std::string& column) const;

  /// Asks that a table has what is read of it. @throws InputError with what is expected and found
  void require(const std::string& table, const std::vector<std::string>& wanted) const;

  /// An export that cannot be read; names its schema version where it says one.
  [[noreturn]] void refuse(const std::string& what) const;
  /// A file that is no export, or a damaged one.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  [[nodiscard]] std::string version() const;

  std::string file_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

}  // namespace hotexpert
