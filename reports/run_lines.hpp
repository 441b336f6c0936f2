#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/core/point_result.hpp"

namespace hotexpert {

/// A point's line without its newline: the JSON object with "crc32" added as its last field, the
/// CRC-32 (eight lower-case hexadecimal digits) of the bytes before `,"crc32":`.
std::string checked_line(const Json& object);

/// What is in a run folder, line by line.
struct RunLines {
  Json manifest;
  std::vector<PointResult> points;  ///< of every whole line, repetitions included
  std::vector<std::string> warnings;
  std::size_t num_lines = 0;      ///< whole or damaged; not the torn end
  std::size_t damaged_lines = 0;  ///< those whose checksum does not fit
  off_t whole_bytes = 0;          ///< bytes up to the torn end: writing goes on here
};

/// @throws InputError as read_run
RunLines read_run_lines(const std::string& dir);

}  // namespace hotexpert
