#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

/// Where the program's data may lie, the first that has a file wins: $HOTEXPERT_DATA, the working
/// folder, the folder of the sources that a build folder is in, ../share/hotexpert of an installed
/// program.
/// @throws UsageError when $HOTEXPERT_DATA is no folder
std::vector<std::filesystem::path> data_folders();

/// Names (without .toml) of the files shipped in `folder` ("scenarios/devices"), sorted.
std::vector<std::string> shipped_names(std::string_view folder);

/// The shipped file `folder`/`name`.toml; empty where there is none.
std::string shipped_file(std::string_view folder, std::string_view name);

}  // namespace hotexpert
