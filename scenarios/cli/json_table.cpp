#include "scenarios/cli/json_table.hpp"

namespace hotexpert {

CommandTable table_of(const Json& json) {
  CommandTable table;
  for (const auto& [key, value] : json.as_object()) {
    if (key == "rows") {
      table.rows = value.as_array();
    } else {
      table.extra.emplace_back(key, value);
    }
  }
  if (!table.rows.empty()) {
    for (const auto& [key, value] : table.rows.front().as_object()) table.columns.push_back(key);
  }
  return table;
}

}  // namespace hotexpert
