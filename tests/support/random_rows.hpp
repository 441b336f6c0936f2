#pragma once

#include <cstdlib>

namespace hotexpert::testing_support {

/// Rows a property test draws: `usual`, or what the variable HOTEXPERT_RANDOM_ROWS asks for.
inline long random_rows(long usual) {
  const char* asked = std::getenv("HOTEXPERT_RANDOM_ROWS");
  return asked == nullptr ? usual : std::atol(asked);
}

}  // namespace hotexpert::testing_support
