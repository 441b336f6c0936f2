#include "reports/table_markdown.hpp"

#include <fmt/format.h>

#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxRows = 40;

}  // namespace

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const auto& cell : cells) out += " " + cell + " |";
  return out + "\n";
}

std::string markdown_rule(const std::vector<bool>& numeric) {
  std::string out = "|";
  for (const bool right : numeric) out += right ? "---:|" : "---|";
  return out + "\n";
}

std::string table_markdown(const Table& table) {
  std::vector<std::string> titles;
  std::vector<bool> numeric;
  for (const auto& column : table.columns) {
    titles.push_back(markdown_text(column.title));
    numeric.push_back(column.numeric);
  }
  std::string out = markdown_row(titles) + markdown_rule(numeric);
  for (std::size_t i = 0; i < table.rows.size() && i < kMaxRows; ++i) {
    std::vector<std::string> cells;
    for (const auto& cell : table.rows[i].cells) cells.push_back(markdown_text(cell));
    out += markdown_row(cells);
  }
  const std::size_t rest =
      table.left_out + (table.rows.size() > kMaxRows ? table.rows.size() - kMaxRows : 0);
  if (rest > 0) out += fmt::format("\n{} more rows are in the CSV form.\n", rest);
  return out;
}

}  // namespace hotexpert
