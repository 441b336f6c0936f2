#pragma once

#include <cstddef>
#include <string>

namespace hotexpert {

inline constexpr std::size_t kLargestFile = std::size_t{4} << 30;
/// Of what people write by hand: scenarios, descriptions of devices and networks.
inline constexpr std::size_t kLargestHandwrittenFile = std::size_t{16} << 20;

/// All bytes of a file or a pipe.
/// @throws InputError naming the path: absent, unreadable, a folder, no name at all, or longer than
/// `most_bytes`
std::string read_whole_file(const std::string& path, std::size_t most_bytes = kLargestFile);

/// The first bytes of a file, at most `bytes`; all of a shorter one.   @throws InputError as above
std::string read_beginning(const std::string& path, std::size_t bytes);

}  // namespace hotexpert
