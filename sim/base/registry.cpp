#include "sim/base/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace hotexpert {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto candidate : known) {
    const bool prefix = !name.empty() && candidate.substr(0, name.size()) == name;
    const std::size_t distance = prefix ? 1 : edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string unknown_name_message(std::string_view family, std::string_view name,
                                 const std::vector<std::string_view>& known) {
  const std::string nearest = nearest_name(name, known);
  return fmt::format("unknown {} '{}'{} Known: {}", family, name,
                     nearest.empty() ? "." : fmt::format("; did you mean '{}'?", nearest),
                     fmt::join(known, ", "));
}

}  // namespace hotexpert
