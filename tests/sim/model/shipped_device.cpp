#include "tests/sim/model/shipped_device.hpp"

#include <toml++/toml.h>
#include <string>
#include <utility>

namespace hotexpert {
namespace {

Json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object.set(std::string(key.str()), to_json(value));
    return object;
  }
  if (const auto* list = node.as_array()) {
    Json array = Json::array();
    for (const auto& value : *list) array.push(to_json(value));
    return array;
  }
  if (const auto text = node.value_exact<std::string>()) return Json(*text);
  if (const auto whole = node.value_exact<std::int64_t>()) return Json(*whole);
  return Json(node.value<double>().value());
}

}  // namespace

DeviceDescription shipped_device(std::string_view name) {
  const std::string path =
      std::string(HOTEXPERT_SOURCE_DIR) + "/scenarios/devices/" + std::string(name) + ".toml";
  const toml::table table = toml::parse_file(std::string_view(path));
  return device_from_json(to_json(table), path);
}

}  // namespace hotexpert
