#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace hotexpert::testing_files {

/// A member of a zip archive, as its headers claim it.
struct ZipMember {
  std::string name;
  std::string stored;        ///< the bytes in the archive
  std::uint32_t claims = 0;  ///< its size once unpacked; 0 = that of `stored`
  bool deflated = false;
};

inline std::uint32_t crc32_of(const std::string& bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

/// A zip archive written byte by byte, so that it can claim anything.
inline std::string hostile_zip(const std::vector<ZipMember>& members) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 0xffU);
    return out;
  };
  std::string out;
  std::string directory;
  for (const auto& member : members) {
    const auto size =
        member.claims != 0 ? member.claims : static_cast<std::uint32_t>(member.stored.size());
    const std::string common = number(20, 2) + number(0, 2) + number(member.deflated ? 8 : 0, 2) +
                               number(0, 4) + number(crc32_of(member.stored), 4) +
                               number(member.stored.size(), 4) + number(size, 4) +
                               number(member.name.size(), 2) + number(0, 2);
    directory += "PK\x01\x02" + number(20, 2) + common + number(0, 2) + number(0, 2) +
                 number(0, 2) + number(0, 4) + number(out.size(), 4) + member.name;
    out += "PK\x03\x04" + common + member.name + member.stored;
  }
  const auto at = out.size();
  out += directory + "PK\x05\x06" + number(0, 4) + number(members.size(), 2) +
         number(members.size(), 2) + number(directory.size(), 4) + number(at, 4) + number(0, 2);
  return out;
}

/// A deflate stream of `count` zero bytes: one literal, then copies of 258 bytes at distance 1, of
/// 13 bits each (RFC 1951, fixed codes). A thousandth of what it unpacks to.
inline std::string deflated_zeros(std::uint32_t count) {
  std::string out;
  unsigned held = 0;
  int bits = 0;
  const auto put = [&](unsigned value, int length) {
    for (int i = 0; i < length; ++i) {
      held |= (value >> i & 1U) << bits;
      if (++bits < 8) continue;
      out += static_cast<char>(held);
      held = 0;
      bits = 0;
    }
  };
  const auto put_code = [&](unsigned code, int length) {  // codes go first bit first
    for (int i = length - 1; i >= 0; --i) put(code >> i & 1U, 1);
  };
  put(1, 1);          // last block
  put(1, 2);          // fixed codes
  put_code(0x30, 8);  // literal 0
  for (std::uint32_t made = 1; made + 258 <= count; made += 258) {
    put_code(0xc5, 8);  // length 258
    put_code(0, 5);     // distance 1
  }
  put_code(0, 7);  // end
  put(0, 7);
  return out;
}

}  // namespace hotexpert::testing_files
