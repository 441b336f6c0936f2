#pragma once

#include "sim/base/output_file.hpp"  // IWYU pragma: export
