#pragma once

#include <array>

#include "sim/model/matmul_law.hpp"

namespace hotexpert {

/// How likely each tile of the program is the one that runs; sums to 1 over the program's tiles.
struct TileChoice {
  std::array<double, 16> weight{};
};

/// The tile an autotuner picks when it times every candidate on `reference` loads. Timings repeat
/// to a few percent, so near-equal tiles are all possible: weight ~ exp(-(t / t_best - 1) /
/// spread), where t carries the program's handicap for tall tiles. A skewed batch then runs the
/// tile that was chosen for the reference.
TileChoice tuned_choice(const DeviceDescription& device, DataType dtype, const MatmulSize& size,
                        const LoadSummary& reference, double footprint_bytes);

/// The likeliest tile of a choice alone: a library's heuristic that gives one answer.
TileChoice likeliest(const TileChoice& choice);

/// The program's first tile, whatever the load.
TileChoice untuned_choice();

/// Expected time of a projection under a choice of tiles; without tiles, the law of tasks.
MatmulTime expected_matmul_time(const DeviceDescription& device, DataType dtype,
                                const MatmulSize& size, const LoadSummary& load,
                                const TileChoice& choice, double footprint_bytes);

}  // namespace hotexpert
