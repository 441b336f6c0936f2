#pragma once

#include <cstdint>

#include "kernels/cuda/plan/host_device.hpp"

namespace hotexpert {

// How tiles lie in shared memory for Hopper's copy engine and tensor cores. A tile row holds 64
// bf16 values (128 bytes); tiles begin at multiples of 1,024 bytes.

inline constexpr int kTileDepth = 64;       ///< values of the inner dimension in a stage, BK
inline constexpr int kTileRowBytes = 128;   ///< of one row of a stage
inline constexpr int kSwizzleBytes = 1024;  ///< 8 rows: the swizzle repeats

/// Byte offset of the 16-byte chunk `chunk` (0..7) of row `row` in a tile with the 128-byte
/// swizzle: the chunk's number is xor-ed with the row's, so 8 rows of one column touch all banks.
HOTEXPERT_HOST_DEVICE std::uint32_t swizzled_offset(std::uint32_t row, std::uint32_t chunk) {
  return row * kTileRowBytes + ((chunk ^ (row & 7U)) << 4);
}

/// Matrix descriptor of wgmma for a K-major tile with the 128-byte swizzle (PTX ISA, "Matrix
/// Descriptor Format"): start address / 16 in bits 0-13, leading offset in bits 16-29 (ignored for
/// swizzled K-major tiles), stride between groups of 8 rows / 16 in bits 32-45, swizzle mode 1 in
/// bits 62-63.
HOTEXPERT_HOST_DEVICE std::uint64_t wgmma_descriptor(std::uint32_t shared_address) {
  return std::uint64_t{(shared_address & 0x3FFFFU) >> 4} | std::uint64_t{1} << 16 |
         std::uint64_t{kSwizzleBytes >> 4} << 32 | std::uint64_t{1} << 62;
}

/// What 16 more values of the inner dimension (32 bytes) add to a descriptor.
inline constexpr std::uint64_t kDescriptorStep = 32 >> 4;

/// Where a thread of a warpgroup holds the results of m64nNk16: register 4j + 2h + i is row
/// fragment_row(thread, h), column fragment_column(thread, j) + i.
HOTEXPERT_HOST_DEVICE int fragment_row(int thread, int half) {
  return (thread / 32) * 16 + (thread % 32) / 4 + 8 * half;
}
HOTEXPERT_HOST_DEVICE int fragment_column(int thread, int eighth) {
  return 8 * eighth + 2 * (thread % 4);
}

/// A 4 x 4 transpose among 4 neighbouring lanes, in two exchanges with the lane whose number
/// differs in `bit` (1, then 2): lane c ends up holding word c of all four, so four 4-byte pieces
/// of a row become one 16-byte store.
/// @return the word of pair `pair` (0, 1) to give away in this exchange
HOTEXPERT_HOST_DEVICE std::uint32_t transpose_gives(const std::uint32_t (&words)[4], int bit,
                                                    int pair, bool upper) {
  const int low = bit == 1 ? 2 * pair : pair;
  return upper ? words[low] : words[low + bit];
}
/// Puts what came in the exchange in its place.
HOTEXPERT_HOST_DEVICE void transpose_takes(std::uint32_t (&words)[4], int bit, int pair, bool upper,
                                           std::uint32_t received) {
  const int low = bit == 1 ? 2 * pair : pair;
  if (upper) {
    words[low] = received;
  } else {
    words[low + bit] = received;
  }
}

/// Where a warp's stmatrix puts results for the copy engine: byte offset, in a swizzled box of 64
/// rows and 64 columns, of the row that `lane` addresses. The instruction stores four 8 x 8
/// matrices; number m = lane / 8 is row half m % 2 of column eighth 2 * pair + m / 2.
/// @param warp of the warpgroup, 0..3   @param pair of column eighths, 0..3
HOTEXPERT_HOST_DEVICE std::uint32_t stored_row_offset(int warp, int lane, int pair) {
  const int matrix = lane / 8;
  const int row = 16 * warp + 8 * (matrix % 2) + lane % 8;
  return swizzled_offset(static_cast<std::uint32_t>(row),
                         static_cast<std::uint32_t>(2 * pair + matrix / 2));
}

}  // namespace hotexpert
