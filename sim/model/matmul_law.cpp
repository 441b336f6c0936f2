#include "sim/model/matmul_law.hpp"

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

MatmulTime overlapped(double math_s, double memory_s, double p) {
  const double large = std::max(math_s, memory_s);
  if (large <= 0) return {};
  const double power = std::pow(std::min(math_s, memory_s) / large, p);
  const double total = large * std::pow(1 + power, 1 / p);
  const double large_share = total / (1 + power);
  const double small_share = total - large_share;
  return math_s >= memory_s ? MatmulTime{large_share, small_share, total}
                            : MatmulTime{small_share, large_share, total};
}

double stream_bytes(const DeviceDescription& device, const MatmulSize& size,
                    const LoadSummary& load, double footprint_bytes) {
  const double cold = std::min(1.0, footprint_bytes / device.cache_bytes);
  const double weights = load.active * size.columns * size.inner * size.element_bytes * cold;
  return weights + load.rows * (size.inner + size.columns) * size.element_bytes;
}

double reread_bytes(const DeviceDescription& device, const MatmulSize& size,
                    const LoadSummary& load, TileShape tile) {
  const double hottest_bytes = load.max_rows * size.inner * size.element_bytes;
  if (hottest_bytes <= device.cache_bytes) return 0;
  const double columns = std::ceil(size.columns / tile.columns);
  const double row_tiles = std::max(1.0, std::ceil(load.max_rows / tile.rows));
  const double columns_a_pass = std::clamp(device.units / row_tiles, 1.0, columns);
  const double passes = columns / columns_a_pass;
  return (hottest_bytes - device.cache_bytes) * std::max(0.0, passes - 1);
}

MatmulTime finish(const DeviceDescription& device, double math_s, double bytes) {
  return overlapped(math_s, bytes / device.constants.memory_bytes_per_s,
                    device.constants.overlap_exponent);
}

}  // namespace

MatmulTime tiled_matmul_time(const DeviceDescription& device, DataType dtype,
                             const MatmulSize& size, const LoadSummary& load, TileShape tile,
                             double footprint_bytes) {
  const double tiles =
      load.row_tiles[row_tile_index(tile.rows)] * std::ceil(size.columns / tile.columns);
  const double flops = 2.0 * tile.rows * tile.columns;
  const double operand_bytes = size.element_bytes * (tile.rows + tile.columns);
  const double tile_s = size.inner * device.units *
                        std::max(flops / math_flops_per_s(device, dtype),
                                 operand_bytes / device.constants.feed_bytes_per_s);
  const double waves = std::ceil(tiles / device.units);
  return finish(
      device, waves * tile_s,
      stream_bytes(device, size, load, footprint_bytes) + reread_bytes(device, size, load, tile));
}

MatmulTime task_matmul_time(const DeviceDescription& device, DataType dtype, const MatmulSize& size,
                            const LoadSummary& load, double footprint_bytes) {
  const auto& program = device.program;
  const bool cut = program.task_rows > 0;
  const double parts = cut ? load.row_tiles[row_tile_index(program.task_rows)] : load.active;
  const double flops = 2 * load.rows * size.columns * size.inner;
  const double operand_bytes = parts * size.columns * size.inner * size.element_bytes;
  double work =
      flops / math_flops_per_s(device, dtype) + operand_bytes / device.constants.feed_bytes_per_s;
  if (cut) {
    const double tasks = parts * std::ceil(size.outputs / program.task_columns);
    work *= std::ceil(tasks / device.units) * device.units / tasks;
  }
  return finish(device, work, stream_bytes(device, size, load, footprint_bytes));
}

}  // namespace hotexpert
