#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

/// A C-ordered array of doubles as a NumPy file (format 1.0, '<f8'), readable by numpy.load.
std::string npy_bytes(std::span<const std::int64_t> shape, std::span<const double> values);

struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Reads what npy_bytes wrote.
/// @param origin names the bytes in errors
/// @throws InputError if the header is not one of npy_bytes, or values are missing
NpyArray parse_npy(std::string_view bytes, std::string_view origin);

}  // namespace hotexpert
