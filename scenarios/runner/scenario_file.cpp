#include "scenarios/runner/scenario_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <filesystem>

#include "scenarios/runner/shipped_data.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/input_file.hpp"

namespace hotexpert {
namespace {

std::string place(const std::string& path, const toml::source_region& region) {
  return fmt::format("{}:{}:{}", path, region.begin.line, region.begin.column);
}

/// One TOML scalar as axis text. Shortest decimals: 1.1 stays 1.1.
std::string scalar_text(const toml::node& node, const std::string& where, std::string_view key) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return shortest(number->get());
  throw UsageError(fmt::format("{}: {}: expected a number, a text or a list of them", where, key));
}

std::string values_text(const toml::node& node, const std::string& path, std::string_view key) {
  if (const auto* list = node.as_array()) {
    if (list->empty())
      throw UsageError(fmt::format("{}: {}: an empty list", place(path, node.source()), key));
    std::vector<std::string> parts;
    for (const auto& item : *list)
      parts.push_back(scalar_text(item, place(path, item.source()), key));
    return fmt::format("{}", fmt::join(parts, ","));
  }
  return scalar_text(node, place(path, node.source()), key);
}

void read_table(const toml::table& table, const std::string& prefix, const std::string& path,
                Scenario& scenario) {
  for (const auto& [key, node] : table) {
    const std::string name =
        prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
    if (const auto* inner = node.as_table()) {
      read_table(*inner, name, path, scenario);
    } else if (name == "title" || name == "description") {
      const auto* text = node.as_string();
      if (text == nullptr)
        throw UsageError(fmt::format("{}: {}: expected a text", place(path, node.source()), name));
      (name == "title" ? scenario.title : scenario.description) = text->get();
    } else {
      scenario.set(name, values_text(node, path, name), place(path, node.source()));
    }
  }
}

constexpr std::string_view kFolder = "scenarios";

/// The file itself; where there is none, a shipped one: "quickstart" and, from any folder,
/// "scenarios/quickstart.toml".
std::string scenario_path(const std::string& name_or_path) {
  const std::filesystem::path path = name_or_path;
  std::error_code absent;
  if (std::filesystem::exists(path, absent)) return name_or_path;
  const bool shipped = path == path.filename() || path.parent_path() == kFolder;
  const std::string found = shipped ? shipped_file(kFolder, path.stem().string()) : "";
  return found.empty() ? name_or_path : found;
}

std::string scenario_text(const std::string& path) {
  std::error_code absent;
  if (std::filesystem::is_directory(path, absent))
    throw UsageError(fmt::format("{}: is a folder, not a scenario file", path));
  if (!std::filesystem::exists(path, absent)) {
    throw UsageError(fmt::format("{}: no such scenario file is there, nor is it a shipped one ({})",
                                 path, fmt::join(shipped_names(kFolder), ", ")));
  }
  try {
    return read_whole_file(path, kLargestHandwrittenFile);
  } catch (const InputError& error) {
    throw UsageError(error.what());  // exit code 2, as every fault of a scenario
  }
}

}  // namespace

Scenario read_scenario(const std::string& name_or_path) {
  const std::string path = scenario_path(name_or_path);
  const std::string text = scenario_text(path);
  Scenario scenario;
  scenario.origin = path;
  scenario.title = std::filesystem::path(path).stem().string();
  try {
    read_table(toml::parse(text, std::string_view(path)), "", path, scenario);
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}: {}", place(path, error.source()), error.description()));
  }
  return scenario;
}

}  // namespace hotexpert
