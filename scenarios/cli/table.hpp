#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/arguments.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// A table a command prints: rows are objects whose keys are axis, metric or field names.
struct CommandTable {
  std::vector<std::string> columns;  ///< columns of the text, CSV and Markdown forms, in order
  Json::Array rows;    ///< objects; JSON prints every key, also those outside `columns`
  Json::Object extra;  ///< further keys beside "rows" in the JSON form
};

/// Prints to stdout in the form the arguments ask for: --json, --csv, --md, or aligned text.
void print_table(const CommandTable& table, const Arguments& arguments);

/// The aligned-text form. Numbers are right-aligned with 4 significant digits.
std::string text_table(const CommandTable& table);
std::string csv_table(
    const CommandTable& table);  ///< RFC 4180; a text that a spreadsheet would run gets a leading '
std::string markdown_table(const CommandTable& table);

}  // namespace hotexpert
