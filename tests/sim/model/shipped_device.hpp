#pragma once

#include <string_view>

#include "sim/model/device_description.hpp"

namespace hotexpert {

/// The device of scenarios/devices/NAME.toml.
DeviceDescription shipped_device(std::string_view name);

}  // namespace hotexpert
