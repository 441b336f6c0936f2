#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hotexpert {

/// `text` as part of a file's name: ASCII letters, digits, '_' and inner dots stay, every run of
/// other characters becomes one '-'. Never empty ("unnamed"), never beginning with '.' or '-', at
/// most `longest` bytes: no name leads out of its folder.
std::string slug(std::string_view text, std::size_t longest = 80);

}  // namespace hotexpert
