#pragma once

#include <string>
#include <string_view>

#include "sim/model/device_description.hpp"
#include "sim/model/network_model.hpp"

namespace hotexpert {

/// Reads a device description: a .toml file, or the name of a shipped one ("h100-sxm" is
/// scenarios/devices/h100-sxm.toml in one of data_folders()).
/// @throws UsageError when there is no such file or it is not TOML, InputError for a bad key or
/// value
DeviceDescription read_device(const std::string& name_or_path);

/// Reads a network description: a preset's name, or a .toml file with the keys of
/// network_from_json().
/// @throws UsageError for an unknown preset or a file that cannot be read, InputError for a bad key
/// or value
NetworkDescription read_network(const std::string& name_or_path);

/// The text of a device file that reads back equal.
/// @param heading lines of a comment on top, without '#'
std::string device_toml(const DeviceDescription& device, std::string_view heading);

}  // namespace hotexpert
