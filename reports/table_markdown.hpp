#pragma once

#include <string>
#include <vector>

#include "reports/section.hpp"

namespace hotexpert {

/// A row of cells that are Markdown already.
std::string markdown_row(const std::vector<std::string>& cells);

/// The line under the titles; numeric columns are set to the right.
std::string markdown_rule(const std::vector<bool>& numeric);

/// A whole table, of its first 40 rows. Cells go through markdown_text().
std::string table_markdown(const Table& table);

}  // namespace hotexpert
