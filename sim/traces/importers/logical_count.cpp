#include "sim/base/json_items.hpp"
#include "sim/traces/importers/count_lists.hpp"
#include "sim/traces/importers/formats.hpp"

namespace hotexpert::formats {

bool sniff_logical_count(const ImportSource& source) {
  return source.beginning().find("\"logical_count\"") != std::string_view::npos;
}

/// {"logical_count": [layers][experts] or [steps][layers][experts]} of SGLang and EPLB, in floats
/// or integers; dense layers are all zero. A step (or layer) at a time.
Recording read_logical_count(const ImportSource& source, const ImportOptions&) {
  CountLists counts(source.path() + ": logical_count");
  const Json json = parse_json_items(
      source.text(), source.path(),
      {{"logical_count", [&](const Json& item, const std::string&) { counts.add(item); }}});
  (void)json.at("logical_count").as_array();
  Recording out;
  out.loads = counts.finish();
  return out;
}

}  // namespace hotexpert::formats
