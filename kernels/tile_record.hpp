#pragma once

#include <cstdint>

namespace hotexpert {

/// When and where one tile of an expert's output was computed. Written by a traced kernel at slot =
/// tile index, by one thread, without atomics; the same 32 bytes on a GPU and on a CPU.
struct TileRecord {
  std::uint64_t begin_ns = 0;  ///< on the clock of whatever computes; one origin for a whole pass
  std::uint64_t end_ns = 0;
  std::int32_t expert = 0;       ///< physical expert
  std::int32_t worker = 0;       ///< streaming multiprocessor, or worker thread
  std::int32_t row_tile = 0;     ///< rows [row_tile * BM, (row_tile + 1) * BM) of the expert
  std::int32_t column_tile = 0;  ///< columns [column_tile * BN, …) of the output
  friend bool operator==(const TileRecord&, const TileRecord&) = default;
};
static_assert(sizeof(TileRecord) == 32);

}  // namespace hotexpert
