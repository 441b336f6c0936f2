#pragma once

#include <string>

namespace hotexpert {

/// All bytes of a file or a pipe, at most 4 GiB.
/// @throws InputError naming the path: absent, unreadable, a folder, too long, no name at all
std::string read_whole_file(const std::string& path);

}  // namespace hotexpert
