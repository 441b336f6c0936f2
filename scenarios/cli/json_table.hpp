#pragma once

#include "scenarios/cli/table.hpp"

namespace hotexpert {

/// {"rows": [...], ...} as a table: every key of the first row is a column, all else goes beside
/// the rows.
CommandTable table_of(const Json& json);

}  // namespace hotexpert
