#pragma once

#include <cstdint>

#include "sim/model/device_description.hpp"
#include "sim/model/load_summary.hpp"

namespace hotexpert {

/// One projection of every expert: [m_e, inner] x [inner, columns].
struct MatmulSize {
  double columns = 0;
  double inner = 0;
  double element_bytes = 2;
  double outputs =
      0;  ///< columns that remain: half of them where gate and up are computed together
};

/// Time of a projection. Math and memory overlap: total = (math^p + memory^p)^(1/p), and each is
/// charged the share of the total that its p-th power has, so that the two add up to it.
struct MatmulTime {
  double math_s = 0;    ///< charged to arithmetic and operand feed
  double memory_s = 0;  ///< charged to weights and rows from memory
  double total_s = 0;
};

/// Law of one projection with a persistent tile schedule over all experts:
///   tiles   = sum_e ceil(m_e / BM) * ceil(columns / BN)
///   t_tile  = inner * max(2 BM BN / (math / units), bytes (BM + BN) / (feed / units))
///   math    = ceil(tiles / units) * t_tile
///   bytes   = active * columns * inner * min(1, footprint / cache)     weights; a rank whose
///             experts fit in the cache finds them there from one run to the next
///           + rows * (inner + columns) + re-reads
///   memory  = bytes / memory bandwidth
/// Re-reads: units walk the rows of an expert first, so each pass over the columns streams its rows
/// again; what does not fit in the cache comes from memory: (1 - cache / (max_rows * inner)) of the
/// hottest expert's rows, once for each further pass of units / ceil(max_rows / BM) columns.
/// @param footprint_bytes weights of both projections of the active experts
MatmulTime tiled_matmul_time(const DeviceDescription& device, DataType dtype,
                             const MatmulSize& size, const LoadSummary& load, TileShape tile,
                             double footprint_bytes);

/// Law of devices whose program lists no tiles: threads of a CPU take tasks in turn. The rows of an
/// expert are cut evenly into ceil(m_e / task_rows) parts, its outputs into blocks:
///   tasks   = sum_e ceil(m_e / task_rows) * ceil(outputs / task_columns)
///   work    = 2 rows columns inner / math + parts columns inner bytes / feed
///             (each task brings its block of weights into its core)
///   math    = work * ceil(tasks / units) * units / tasks       (the last round may not be full)
/// Memory as above, without re-reads. task_rows = 0: rows are shared without rounding, one part an
/// expert.
MatmulTime task_matmul_time(const DeviceDescription& device, DataType dtype, const MatmulSize& size,
                            const LoadSummary& load, double footprint_bytes);

}  // namespace hotexpert
