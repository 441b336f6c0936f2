#include "sim/model/tile_choice.hpp"

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

constexpr double kNegligible = 1e-4;  // weights below are dropped: a tile 46 % slower at 5 % spread

}  // namespace

TileChoice tuned_choice(const DeviceDescription& device, DataType dtype, const MatmulSize& size,
                        const LoadSummary& reference, double footprint_bytes) {
  const auto& program = device.program;
  TileChoice choice;
  double best_s = 0;
  for (std::size_t i = 0; i < program.tiles.size(); ++i) {
    const TileShape tile = program.tiles[i];
    const double doublings = static_cast<double>(row_tile_index(tile.rows));
    choice.weight[i] =
        tiled_matmul_time(device, dtype, size, reference, tile, footprint_bytes).total_s *
        (1 + program.row_tile_preference * doublings);
    best_s = i == 0 ? choice.weight[i] : std::min(best_s, choice.weight[i]);
  }
  if (best_s <= 0) return untuned_choice();
  double sum = 0;
  for (std::size_t i = 0; i < program.tiles.size(); ++i) {
    const double slower = choice.weight[i] / best_s - 1;
    const double weight = std::exp(-slower / program.tile_choice_spread);
    choice.weight[i] = weight < kNegligible ? 0 : weight;
    sum += choice.weight[i];
  }
  for (double& weight : choice.weight) weight /= sum;
  return choice;
}

TileChoice likeliest(const TileChoice& choice) {
  TileChoice only;
  const auto best = std::max_element(choice.weight.begin(), choice.weight.end());
  only.weight[static_cast<std::size_t>(best - choice.weight.begin())] = 1;
  return only;
}

TileChoice untuned_choice() {
  TileChoice choice;
  choice.weight[0] = 1;
  return choice;
}

MatmulTime expected_matmul_time(const DeviceDescription& device, DataType dtype,
                                const MatmulSize& size, const LoadSummary& load,
                                const TileChoice& choice, double footprint_bytes) {
  if (load.rows <= 0) return {};
  const auto& tiles = device.program.tiles;
  if (tiles.empty()) return task_matmul_time(device, dtype, size, load, footprint_bytes);
  MatmulTime expected;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (choice.weight[i] == 0) continue;
    const auto time = tiled_matmul_time(device, dtype, size, load, tiles[i], footprint_bytes);
    expected.math_s += choice.weight[i] * time.math_s;
    expected.memory_s += choice.weight[i] * time.memory_s;
    expected.total_s += choice.weight[i] * time.total_s;
  }
  return expected;
}

}  // namespace hotexpert
