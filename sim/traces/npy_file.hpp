#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// True when the bytes begin as an .npy file does.
bool looks_like_npy(std::span<const std::byte> bytes);

/// The array of an .npy file (NumPy format 1.0, 2.0 or 3.0), in place. Little-endian integers and
/// floats in C order; objects, structures, strings and Fortran order are refused by name.
/// @param storage keeps the bytes alive   @param origin names the file in errors
/// @throws InputError when the header is damaged or longer than the file, or the data shorter than
/// the shape says
ArrayView parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> storage,
                    std::string_view origin);

/// The array of the .npy file at `path`, memory-mapped.   @throws InputError
ArrayView open_npy(const std::string& path);

}  // namespace hotexpert
