#include "scenarios/runner/shipped_data.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <system_error>

#include "sim/base/errors.hpp"

namespace hotexpert {

namespace fs = std::filesystem;

std::vector<fs::path> data_folders() {
  std::vector<fs::path> folders;
  const char* chosen = std::getenv("HOTEXPERT_DATA");
  if (chosen != nullptr && *chosen != '\0') {
    std::error_code absent;
    if (!fs::is_directory(chosen, absent))
      throw UsageError(fmt::format(
          "HOTEXPERT_DATA: '{}' is no folder (unset it for the data beside the program)", chosen));
    folders.emplace_back(chosen);
  }
  folders.emplace_back("");
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  if (unknown) return folders;
  folders.push_back(program / "../..");
  folders.push_back(program / "../share/hotexpert");
  return folders;
}

std::vector<std::string> shipped_names(std::string_view folder) {
  std::set<std::string> names;
  for (const auto& data : data_folders()) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(data / folder, absent)) {
      if (entry.path().extension() == ".toml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

std::string shipped_file(std::string_view folder, std::string_view name) {
  for (const auto& data : data_folders()) {
    const fs::path path = data / folder / (std::string(name) + ".toml");
    std::error_code absent;
    if (fs::is_regular_file(path, absent)) return path.lexically_normal().string();
  }
  return "";
}

}  // namespace hotexpert
