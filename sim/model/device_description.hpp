#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/core/layer_shape.hpp"

namespace hotexpert {

/// The constants of the cost laws that calibration fits. All > 0.
struct CostConstants {
  double launch_s = 2.7e-6;                 ///< one kernel of a graph, ramp and drain included
  double memory_bytes_per_s = 3.0e12;       ///< weights streamed from memory
  double math_flops_per_s = 900e12;         ///< matrix units, all of them busy, bf16
  double feed_bytes_per_s = 12e12;          ///< operands into the units' local stores, all units
  double elementwise_bytes_per_s = 2.2e12;  ///< permute, activation and combine kernels
  double overlap_exponent = 2.5;            ///< p of (math^p + memory^p)^(1/p): 1 adds, inf = max
};

/// One constant as calibration, device files and `free_constants` name it.
struct CostConstantRow {
  std::string_view name;
  std::string_view unit;
  double CostConstants::*member;
  double prior_sigma;  ///< how far a fit may leave the nominal value, as a standard deviation of ln
  std::string_view meaning;
};
std::span<const CostConstantRow> cost_constants();

/// A block of the output that one unit computes at a time: `rows` token rows by `columns` outputs.
struct TileShape {
  int rows = 128;     ///< one of 16, 32, 64, 128, 256
  int columns = 128;  ///< >= 8
  friend bool operator==(const TileShape&, const TileShape&) = default;
};

/// How the layer is launched and tiled: a property of the software, kept beside the device it runs
/// on. The defaults are TensorRT-LLM's CUTLASS path on Hopper.
struct LayerProgram {
  int route_launches = 3;        ///< top-k, counting, sorting
  int route_launches_large = 5;  ///< the same from `large_tokens` tokens on: a multi-pass sort
  std::int64_t large_tokens = 256;
  int permute_launches = 1;
  int ffn_launches = 3;  ///< up projection, activation, down projection
  int combine_launches = 1;
  int untuned_launches = 2;      ///< added where the tuner's answer is missing: nothing is fused
  std::vector<TileShape> tiles;  ///< candidates; the first is used untuned. Empty: see task_rows
  int task_rows = 0;             ///< threads take tasks of at most so many rows; 0: rows are shared
  int task_columns = 512;        ///< and of at most so many outputs
  std::int64_t largest_tuned_tokens = 8192;
  double tile_choice_spread = 0.05;   ///< relative timing noise among which the tuner picks freely
  double row_tile_preference = 0.03;  ///< relative handicap of a tile for each doubling of its rows
};

/// A device that the cost laws can price, with the source of each number in its file.
struct DeviceDescription {
  std::string name;
  double held_out_error = 0;  ///< median |error| on shapes or points not fitted; 0 = not known
  /// elasticity_error95() of pairs of loads that were not fitted; 0 = not known
  double held_out_elasticity_error = 0;
  std::string source;                ///< where the constants come from, one sentence
  int units = 1;                     ///< SMs or cores
  double peak_bf16_flops_per_s = 0;  ///< dense
  double peak_fp32_flops_per_s = 0;
  double peak_memory_bytes_per_s = 0;
  double cache_bytes = 0;  ///< last-level cache
  double memory_bytes = 0;
  CostConstants constants;
  CostConstants uncertainty{0, 0, 0, 0, 0, 0};  ///< half the 95 % interval of ln constant; 0 = none
  LayerProgram program;
};

/// What the data sheet promises times the shares that large kernels reach: 0.90 of the memory
/// bandwidth, 0.91 of the bf16 rate, 0.66 of the bandwidth element-wise; operand feed 0.8 of 64
/// bytes a clock and unit, the clock from the peak rate (4,096 bf16 operations a clock and unit).
/// Launch time and overlap exponent stay as the file has them. Fits start here and are drawn here.
CostConstants nominal_constants(const DeviceDescription& device);

/// Rate of the matrix units for a data type: the fitted bf16 rate, scaled by the peaks.
double math_flops_per_s(const DeviceDescription& device, DataType dtype);

/// Reads a device from the object a device file holds: scalars by name, and the tables `constants`,
/// `uncertainty` and `program` (`program.tiles` = [[rows, columns], ...]).
/// @param origin names the file in errors
/// @throws InputError naming a missing, unknown or non-positive key.
DeviceDescription device_from_json(const Json& json, std::string_view origin);
Json to_json(const DeviceDescription& device);  ///< inverse of device_from_json

/// @throws InputError naming the field unless every count, rate and tile is in range.
void validate(const DeviceDescription& device);

}  // namespace hotexpert
