#include "scenarios/cli/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "scenarios/cli/terminal.hpp"

namespace hotexpert {
namespace {

std::string cell(const Json& row, const std::string& column, bool rounded) {
  const Json* value = row.find(column);
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return value->as_string();
  if (value->is_integer()) return fmt::format("{}", value->as_integer());
  if (value->is_number())
    return rounded ? fmt::format("{:.4g}", value->as_double()) : shortest(value->as_double());
  return value->dump();
}

bool is_numeric(const CommandTable& table, const std::string& column) {
  bool any = false;
  for (const auto& row : table.rows) {
    const Json* value = row.find(column);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_number()) return false;
    any = true;
  }
  return any;
}

/// Columns a terminal shows: a code point is one column wide; continuation bytes are not counted.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string csv_cell(std::string text, bool numeric) {
  if (!numeric && !text.empty() &&
      std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos) {
    text.insert(0, "'");
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '`' || c == '*' || c == '_' || c == '[') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string text_table(const CommandTable& table) {
  std::vector<std::vector<std::string>> lines(table.rows.size() + 1);
  std::vector<std::size_t> widths;
  std::vector<bool> numeric;
  for (const auto& column : table.columns) {
    numeric.push_back(is_numeric(table, column));
    lines[0].push_back(column);
    std::size_t widest = width(column);
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      lines[r + 1].push_back(printable(cell(table.rows[r], column, true)));
      widest = std::max(widest, width(lines[r + 1].back()));
    }
    widths.push_back(widest);
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string padding(widths[c] - width(line[c]), ' ');
      if (c > 0) text += "  ";
      text += numeric[c] ? padding + line[c] : line[c] + padding;
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out += text + "\n";
  }
  return out;
}

std::string csv_table(const CommandTable& table) {
  std::string out;
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    out += (c > 0 ? "," : "") + csv_cell(table.columns[c], false);
  out += "\r\n";
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const Json* value = row.find(table.columns[c]);
      out += (c > 0 ? "," : "") +
             csv_cell(cell(row, table.columns[c], false), value != nullptr && value->is_number());
    }
    out += "\r\n";
  }
  return out;
}

std::string markdown_table(const CommandTable& table) {
  std::string out = "|";
  std::string rule = "|";
  for (const auto& column : table.columns) {
    out += " " + markdown_cell(column) + " |";
    rule += is_numeric(table, column) ? "---:|" : "---|";
  }
  out += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (const auto& column : table.columns)
      out += " " + markdown_cell(cell(row, column, true)) + " |";
    out += "\n";
  }
  return out;
}

void print_table(const CommandTable& table, const Arguments& arguments) {
  std::string text;
  if (arguments.has("json")) {
    Json::Object object = table.extra;
    object.insert(object.begin(), {"rows", Json(table.rows)});
    text = Json(std::move(object)).dump() + "\n";
  } else if (arguments.has("csv")) {
    text = csv_table(table);
  } else if (arguments.has("md")) {
    text = markdown_table(table);
  } else {
    text = text_table(table);
  }
  write_stdout(text);
}

}  // namespace hotexpert
