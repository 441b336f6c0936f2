#include "sim/model/device_description.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"
#include "sim/model/load_summary.hpp"

namespace hotexpert {
namespace {

constexpr std::array kConstants = {
    CostConstantRow{"launch_s", "s", &CostConstants::launch_s, 0.5,
                    "one kernel of a graph, ramp and drain included"},
    CostConstantRow{"memory_bytes_per_s", "B/s", &CostConstants::memory_bytes_per_s, 0.1,
                    "weights streamed from memory"},
    CostConstantRow{"math_flops_per_s", "flop/s", &CostConstants::math_flops_per_s, 0.15,
                    "matrix units, all of them busy"},
    CostConstantRow{"feed_bytes_per_s", "B/s", &CostConstants::feed_bytes_per_s, 0.3,
                    "operands into the units' local stores"},
    CostConstantRow{"elementwise_bytes_per_s", "B/s", &CostConstants::elementwise_bytes_per_s, 0.4,
                    "permute, activation and combine kernels"},
    CostConstantRow{"overlap_exponent", "", &CostConstants::overlap_exponent, 0.5,
                    "how well math hides memory: 1 adds the two, infinity takes the larger"},
};

constexpr double kMemoryShare = 0.90;
constexpr double kMathShare = 0.91;
constexpr double kElementwiseShare = 0.66;
constexpr double kFeedShare = 0.80;
constexpr double kFeedBytesPerClock = 64;
constexpr double kFlopsPerClockAndUnit = 4096;

/// Scalars of a table of a device file, by name.
template <class T>
struct NumberKey {
  std::string_view name;
  double T::*real = nullptr;
  int T::*integer = nullptr;
  std::int64_t T::*large = nullptr;
};

constexpr std::array kDeviceKeys = {
    NumberKey<DeviceDescription>{"units", nullptr, &DeviceDescription::units},
    NumberKey<DeviceDescription>{"peak_bf16_flops_per_s",
                                 &DeviceDescription::peak_bf16_flops_per_s},
    NumberKey<DeviceDescription>{"peak_fp32_flops_per_s",
                                 &DeviceDescription::peak_fp32_flops_per_s},
    NumberKey<DeviceDescription>{"peak_memory_bytes_per_s",
                                 &DeviceDescription::peak_memory_bytes_per_s},
    NumberKey<DeviceDescription>{"cache_bytes", &DeviceDescription::cache_bytes},
    NumberKey<DeviceDescription>{"memory_bytes", &DeviceDescription::memory_bytes},
};

constexpr std::array kProgramKeys = {
    NumberKey<LayerProgram>{"route_launches", nullptr, &LayerProgram::route_launches},
    NumberKey<LayerProgram>{"route_launches_large", nullptr, &LayerProgram::route_launches_large},
    NumberKey<LayerProgram>{"large_tokens", nullptr, nullptr, &LayerProgram::large_tokens},
    NumberKey<LayerProgram>{"permute_launches", nullptr, &LayerProgram::permute_launches},
    NumberKey<LayerProgram>{"ffn_launches", nullptr, &LayerProgram::ffn_launches},
    NumberKey<LayerProgram>{"combine_launches", nullptr, &LayerProgram::combine_launches},
    NumberKey<LayerProgram>{"untuned_launches", nullptr, &LayerProgram::untuned_launches},
    NumberKey<LayerProgram>{"largest_tuned_tokens", nullptr, nullptr,
                            &LayerProgram::largest_tuned_tokens},
    NumberKey<LayerProgram>{"task_rows", nullptr, &LayerProgram::task_rows},
    NumberKey<LayerProgram>{"task_columns", nullptr, &LayerProgram::task_columns},
    NumberKey<LayerProgram>{"tile_choice_spread", &LayerProgram::tile_choice_spread},
    NumberKey<LayerProgram>{"row_tile_preference", &LayerProgram::row_tile_preference},
};

template <class T>
void assign(T& target, const NumberKey<T>& key, const Json& value) {
  if (key.real != nullptr) target.*key.real = value.as_double();
  if (key.integer != nullptr) target.*key.integer = static_cast<int>(value.as_integer());
  if (key.large != nullptr) target.*key.large = value.as_integer();
}

template <class T>
Json number(const T& source, const NumberKey<T>& key) {
  if (key.real != nullptr) return source.*key.real;
  if (key.integer != nullptr) return source.*key.integer;
  return source.*key.large;
}

[[noreturn]] void unknown_key(std::string_view origin, std::string_view table,
                              std::string_view key) {
  throw InputError(std::string(origin) + ": unknown key '" + std::string(key) + "'" +
                   (table.empty() ? "" : " in table '" + std::string(table) + "'") +
                   "; remove it or correct its spelling");
}

CostConstants constants_from_json(CostConstants constants, const Json& table, std::string_view name,
                                  std::string_view origin) {
  for (const auto& [key, value] : table.as_object()) {
    bool known = false;
    for (const auto& row : kConstants) {
      if (row.name != key) continue;
      constants.*row.member = value.as_double();
      known = true;
    }
    if (!known) unknown_key(origin, name, key);
  }
  return constants;
}

std::vector<TileShape> tiles_from_json(const Json& list) {
  std::vector<TileShape> tiles;
  for (const Json& pair : list.as_array()) {
    const auto& sides = pair.as_array();
    if (sides.size() != 2) throw InputError("program.tiles: a tile is [rows, columns]");
    tiles.push_back(
        {static_cast<int>(sides[0].as_integer()), static_cast<int>(sides[1].as_integer())});
  }
  return tiles;
}

LayerProgram program_from_json(const Json& table, std::string_view origin) {
  LayerProgram program;
  for (const auto& [key, value] : table.as_object()) {
    bool known = key == "tiles";
    if (known) program.tiles = tiles_from_json(value);
    for (const auto& row : kProgramKeys) {
      if (row.name != key) continue;
      assign(program, row, value);
      known = true;
    }
    if (!known) unknown_key(origin, "program", key);
  }
  return program;
}

void require(bool ok, const DeviceDescription& device, std::string_view what) {
  if (!ok) {
    throw InputError("device '" + device.name + "': " + std::string(what) +
                     "; correct the device file");
  }
}

}  // namespace

std::span<const CostConstantRow> cost_constants() { return kConstants; }

CostConstants nominal_constants(const DeviceDescription& device) {
  CostConstants nominal = device.constants;
  const double clock_hz = device.peak_bf16_flops_per_s / (kFlopsPerClockAndUnit * device.units);
  nominal.memory_bytes_per_s = kMemoryShare * device.peak_memory_bytes_per_s;
  nominal.math_flops_per_s = kMathShare * device.peak_bf16_flops_per_s;
  nominal.feed_bytes_per_s = kFeedShare * kFeedBytesPerClock * clock_hz * device.units;
  nominal.elementwise_bytes_per_s = kElementwiseShare * device.peak_memory_bytes_per_s;
  return nominal;
}

double math_flops_per_s(const DeviceDescription& device, DataType dtype) {
  const double rate = device.constants.math_flops_per_s;
  return dtype == DataType::kBf16
             ? rate
             : rate * device.peak_fp32_flops_per_s / device.peak_bf16_flops_per_s;
}

DeviceDescription device_from_json(const Json& json, std::string_view origin) {
  DeviceDescription device;
  device.name = json.at("name").as_string();
  for (const auto& row : kDeviceKeys) assign(device, row, json.at(row.name));
  for (const auto& [key, value] : json.as_object()) {
    bool known = key == "name";
    for (const auto& row : kDeviceKeys) known = known || row.name == key;
    if (key == "source")
      device.source = value.as_string();
    else if (key == "held_out_error")
      device.held_out_error = value.as_double();
    else if (key == "held_out_elasticity_error")
      device.held_out_elasticity_error = value.as_double();
    else if (key == "constants")
      device.constants = constants_from_json(device.constants, value, key, origin);
    else if (key == "uncertainty")
      device.uncertainty = constants_from_json(device.uncertainty, value, key, origin);
    else if (key == "program")
      device.program = program_from_json(value, origin);
    else if (!known)
      unknown_key(origin, "", key);
  }
  validate(device);
  return device;
}

Json to_json(const DeviceDescription& device) {
  Json json = Json::object();
  json.set("name", device.name);
  json.set("source", device.source);
  json.set("held_out_error", device.held_out_error);
  json.set("held_out_elasticity_error", device.held_out_elasticity_error);
  for (const auto& row : kDeviceKeys) json.set(std::string(row.name), number(device, row));
  Json constants = Json::object();
  Json uncertainty = Json::object();
  for (const auto& row : kConstants) {
    constants.set(std::string(row.name), device.constants.*row.member);
    const double half_width = device.uncertainty.*row.member;
    if (half_width > 0) uncertainty.set(std::string(row.name), half_width);
  }
  Json program = Json::object();
  for (const auto& row : kProgramKeys) {
    program.set(std::string(row.name), number(device.program, row));
  }
  Json tiles = Json::array();
  for (const TileShape& tile : device.program.tiles) {
    tiles.push(Json::array_of(std::array{tile.rows, tile.columns}));
  }
  program.set("tiles", std::move(tiles));
  json.set("constants", std::move(constants));
  if (!uncertainty.as_object().empty()) json.set("uncertainty", std::move(uncertainty));
  json.set("program", std::move(program));
  return json;
}

void validate(const DeviceDescription& device) {
  require(!device.name.empty(), device, "name is empty");
  require(device.units >= 1, device, "units must be at least 1");
  require(device.held_out_error >= 0, device, "held_out_error must not be negative");
  require(device.held_out_elasticity_error >= 0, device,
          "held_out_elasticity_error must not be negative");
  for (const auto& row : kDeviceKeys) {
    if (row.real == nullptr) continue;
    const double value = device.*row.real;
    require(value > 0 && std::isfinite(value), device, std::string(row.name) + " must be positive");
  }
  for (const auto& row : kConstants) {
    const double value = device.constants.*row.member;
    require(value > 0 && std::isfinite(value), device,
            "constants." + std::string(row.name) + " must be positive");
    const double half_width = device.uncertainty.*row.member;
    require(half_width >= 0 && half_width <= 10, device,
            "uncertainty." + std::string(row.name) + " must be 0 to 10");
  }
  for (const auto& row : kProgramKeys) {
    require(number(device.program, row).as_double() >= 0, device,
            "program." + std::string(row.name) + " must not be negative");
  }
  require(device.program.tile_choice_spread > 0, device,
          "program.tile_choice_spread must be positive");
  const int task_rows = device.program.task_rows;
  require(task_rows == 0 || std::count(kRowTiles.begin(), kRowTiles.end(), task_rows) == 1, device,
          "program.task_rows must be 0, 16, 32, 64, 128 or 256");
  require(device.program.task_columns >= 1, device, "program.task_columns must be positive");
  require(device.program.tiles.size() <= 16, device, "program.tiles holds at most 16 tiles");
  for (const TileShape& tile : device.program.tiles) {
    const bool power = tile.rows == 16 || tile.rows == 32 || tile.rows == 64 || tile.rows == 128 ||
                       tile.rows == 256;
    require(power && tile.columns >= 8, device,
            "a tile has 16, 32, 64, 128 or 256 rows and at least 8 columns");
  }
}

}  // namespace hotexpert
