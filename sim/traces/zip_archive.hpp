#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

/// Members of a zip archive (an .npz file), by name.
using ZipMembers = std::map<std::string, std::shared_ptr<const std::vector<std::byte>>>;

/// Reads every member.
/// @throws InputError naming the archive when it is damaged, a member's name holds a folder or is
/// repeated, or the members claim far more bytes than the archive has: more than 64 MiB and more
/// than 50 times its size (a zip bomb; routing compresses 2 to 10 times)
ZipMembers read_zip(const std::string& path);

/// Writes the members, stored without compression as numpy.savez does, so that they can be mapped.
/// Times are fixed: equal members give equal bytes.
/// @throws OutputError
void write_zip(const std::string& path,
               const std::vector<std::pair<std::string, std::string>>& members);

}  // namespace hotexpert
