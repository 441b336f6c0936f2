#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"
#include "sim/traces/importers/axes.hpp"
#include "sim/traces/importers/formats.hpp"

namespace hotexpert::formats {
namespace {

/// Extents of nested lists, by their first elements.
std::vector<std::int64_t> shape_of(const Json& json) {
  std::vector<std::int64_t> shape;
  shape.reserve(3);
  for (const Json* list = &json; list->is_array(); list = &list->as_array().front()) {
    shape.push_back(static_cast<std::int64_t>(list->as_array().size()));
    if (list->as_array().empty()) break;
  }
  return shape;
}

/// Appends the numbers of nested lists, all of which must have this shape.
void flatten(const Json& json, std::span<const std::int64_t> shape, std::vector<double>& values,
             const std::string& origin) {
  if (shape.empty() && json.is_number()) {
    values.push_back(json.as_double());
    return;
  }
  if (shape.empty() || !json.is_array() ||
      static_cast<std::int64_t>(json.as_array().size()) != shape.front()) {
    throw InputError(
        fmt::format("{}: logical_count is ragged: its lists differ in length or depth", origin));
  }
  for (const auto& item : json.as_array()) flatten(item, shape.subspan(1), values, origin);
}

}  // namespace

bool sniff_logical_count(const ImportSource& source) {
  return source.beginning().find("\"logical_count\"") != std::string_view::npos;
}

/// {"logical_count": [layers][experts] or [steps][layers][experts]} of SGLang and EPLB, in floats
/// or integers; dense layers are all zero. A step (or layer) at a time.
Recording read_logical_count(const ImportSource& source, const ImportOptions&) {
  std::vector<std::int64_t> shape = {0};
  std::vector<double> values;
  const Json json =
      parse_json_items(source.text(), source.path(), "logical_count", [&](const Json& item) {
        const auto of_item = shape_of(item);
        if (shape.front() == 0) shape.insert(shape.end(), of_item.begin(), of_item.end());
        flatten(item, std::span(shape).subspan(1), values, source.path());
        ++shape.front();
      });
  (void)json.at("logical_count").as_array();
  Recording out;
  out.loads = loads_from_array(owned_array(std::move(values), shape), source.path());
  return out;
}

}  // namespace hotexpert::formats
