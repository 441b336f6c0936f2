#pragma once

#include <cstdint>
#include <string_view>

namespace hotexpert {

/// CRC-32 as zlib, gzip and Python's zlib.crc32 compute it (reflected polynomial 0xEDB88320).
std::uint32_t crc32(std::string_view bytes);

}  // namespace hotexpert
