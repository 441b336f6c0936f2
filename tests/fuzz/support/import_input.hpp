#pragma once

#include <cstdint>
#include <string_view>

namespace hotexpert::fuzz {

/// Imports the bytes with one importer ("" = whichever recognises them) and goes over what it gave:
/// summary, every batch of the replay. Errors of the product are answers; anything else is a fault.
/// @param format an importer's name   @return 0, for libFuzzer
int import_input(std::string_view format, const std::uint8_t* data, std::size_t size);

}  // namespace hotexpert::fuzz
