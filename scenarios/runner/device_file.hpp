#pragma once

#include <string>

#include "sim/model/device_description.hpp"

namespace hotexpert {

/// Reads a device description: a .toml file, or the name of a shipped one ("h100-sxm" is
/// scenarios/devices/h100-sxm.toml under the working folder).
/// @throws UsageError when there is no such file or it is not TOML, InputError for a bad key or
/// value
DeviceDescription read_device(const std::string& name_or_path);

}  // namespace hotexpert
