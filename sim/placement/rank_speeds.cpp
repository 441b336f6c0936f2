#include "sim/placement/rank_speeds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

double factor(std::string_view text) {
  const double value = parse_double(text, "ep.speeds");
  if (!(value > 0) || !std::isfinite(value))
    throw UsageError(fmt::format("ep.speeds: {} is not a positive number", text));
  return value;
}

}  // namespace

std::vector<double> parse_rank_speeds(std::string_view text, int ranks) {
  if (text.empty() || text == "none") return {};
  std::vector<double> in_order;
  std::vector<double> speeds(static_cast<std::size_t>(ranks), 1.0);
  bool named = false;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(",+"), text.size());
    const auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) {
      in_order.push_back(factor(item));
      continue;
    }
    named = true;
    const auto rank = parse_integer(item.substr(0, equals), "ep.speeds");
    if (rank < 0 || rank >= ranks)
      throw UsageError(fmt::format("ep.speeds: rank {} is outside 0 to {}", rank, ranks - 1));
    speeds[static_cast<std::size_t>(rank)] = factor(item.substr(equals + 1));
  }
  if (named && !in_order.empty())
    throw UsageError("ep.speeds: name every rank (2=0.8+3=0.9), or give one factor each (1+0.8)");
  if (named) return speeds;
  if (in_order.size() != static_cast<std::size_t>(ranks)) {
    throw UsageError(
        fmt::format("ep.speeds: {} factors for {} ranks; give one each", in_order.size(), ranks));
  }
  return in_order;
}

}  // namespace hotexpert
