#include "reports/recorded_traces.hpp"

#include <set>

namespace hotexpert {
namespace {

/// The text of a member, whatever its type; "" where an older run lacks it.
std::string text_of(const Json& object, const char* key) {
  const Json* value = object.find(key);
  return value == nullptr ? "" : display(*value);
}

}  // namespace

Table recorded_traces_table(const Comparison& comparison) {
  Table table{"Checks of the recorded traces",
              {{"trace"},
               {"read as"},
               {"tokens", true},
               {"layers", true},
               {"experts", true},
               {"check"},
               {"severity"},
               {"count", true},
               {"unit"},
               {"what was seen"}},
              {},
              0};
  std::set<std::vector<std::string>> told;  // runs of one comparison often share a trace
  for (const auto& run : comparison.runs) {
    const Json* traces = run.manifest.find("traces");
    if (traces == nullptr || !traces->is_array()) continue;
    for (const auto& trace : traces->as_array()) {
      const Json* checks = trace.is_object() ? trace.find("checks") : nullptr;
      if (checks == nullptr || !checks->is_array()) continue;
      for (const auto& check : checks->as_array()) {
        if (!check.is_object()) continue;
        std::vector<std::string> cells;
        for (const char* key : {"file", "importer", "tokens", "layers", "experts"})
          cells.push_back(text_of(trace, key));
        for (const char* key : {"check", "severity", "count", "unit", "text"})
          cells.push_back(text_of(check, key));
        if (!told.insert(cells).second) continue;
        if (table.rows.size() < kMaxTableRows) {
          table.rows.push_back({kNone, std::move(cells)});
        } else {
          ++table.left_out;
        }
      }
    }
  }
  return table;
}

}  // namespace hotexpert
