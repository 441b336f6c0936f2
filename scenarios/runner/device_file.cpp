#include "scenarios/runner/device_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <filesystem>

#include "scenarios/runner/shipped_data.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"

namespace hotexpert {
namespace {

Json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object.set(std::string(key.str()), to_json(value));
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& item : *array) list.push(to_json(item));
    return list;
  }
  if (const auto* text = node.as_string()) return Json(text->get());
  if (const auto* number = node.as_integer()) return Json(std::int64_t{number->get()});
  if (const auto* number = node.as_floating_point()) return Json(number->get());
  if (const auto* truth = node.as_boolean()) return Json(truth->get());
  throw InputError("a device file holds texts, numbers, truth values, lists and tables only");
}

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "scenarios/devices";

bool is_path(const std::string& text) {
  return text.find('/') != std::string::npos || text.find(".toml") != std::string::npos;
}

/// The file that a device's name or path means.
std::string device_path(const std::string& name_or_path) {
  if (is_path(name_or_path)) {
    if (fs::is_regular_file(name_or_path)) return name_or_path;
    throw UsageError(fmt::format("device '{}': there is no such file", name_or_path));
  }
  if (std::string path = shipped_file(kFolder, name_or_path); !path.empty()) return path;
  throw UsageError(
      fmt::format("device '{}' is unknown; shipped devices: {}; or give the path of a device file "
                  "(hotexpert calibrate device writes one)",
                  name_or_path, fmt::join(shipped_names(kFolder), ", ")));
}

/// The TOML file as JSON.   @param named how the user named it, for errors: "device 'h100-sxm'"
Json read_toml(const std::string& path, const std::string& named) {
  std::string text;
  try {
    text = read_whole_file(path, kLargestHandwrittenFile);
  } catch (const InputError& error) {
    throw UsageError(fmt::format("{}: {}", named, error.what()));
  }
  try {
    return to_json(toml::parse(text, std::string_view(path)));
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}:{}:{}: {}", path, error.source().begin.line,
                                 error.source().begin.column, error.description()));
  }
}

}  // namespace

DeviceDescription read_device(const std::string& name_or_path) {
  const std::string path = device_path(name_or_path);
  return device_from_json(read_toml(path, fmt::format("device '{}'", name_or_path)), path);
}

NetworkDescription read_network(const std::string& name_or_path) {
  if (!is_path(name_or_path)) return network_preset(name_or_path);
  return network_from_json(read_toml(name_or_path, "ep.network"), name_or_path);
}

std::string device_toml(const DeviceDescription& device, std::string_view heading) {
  std::string text;
  for (std::size_t begin = 0; begin < heading.size();) {
    const auto end = std::min(heading.find('\n', begin), heading.size());
    text += fmt::format("# {}\n", heading.substr(begin, end - begin));
    begin = end + 1;
  }
  const Json json = to_json(device);
  std::string tables;
  for (const auto& [key, value] : json.as_object()) {
    if (!value.is_object()) {
      text += fmt::format("{} = {}\n", key, value.dump());
      continue;
    }
    tables += fmt::format("\n[{}]\n", key);
    for (const auto& [inner, number] : value.as_object())
      tables += fmt::format("{} = {}\n", inner, number.dump());
  }
  return text + tables;
}

}  // namespace hotexpert
