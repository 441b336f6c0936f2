#include <array>

#include "profiler/annotate.hpp"

namespace hotexpert {

std::string_view name(RangeName range) {
  constexpr std::array<std::string_view, 9> kNames = {
      "sweep", "point", "step", "layer", "route", "permute", "expert", "combine", "all_to_all"};
  return kNames[static_cast<std::size_t>(range)];
}

}  // namespace hotexpert
