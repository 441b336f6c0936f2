#include "scenarios/cli/text_scatter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace hotexpert {
namespace {

constexpr int kColumns = 64;
constexpr int kRows = 24;

char mark_of(int pairs) {
  if (pairs == 0) return ' ';
  if (pairs == 1) return '.';
  return pairs < 4 ? ':' : pairs < 10 ? 'o' : '@';
}

std::string milliseconds(double log_seconds) {
  return fmt::format("{:.3g} ms", 1e3 * std::exp(log_seconds));
}

int cell_of(double log_value, double low, double high, int cells) {
  const double share = (log_value - low) / (high - low);
  return std::clamp(static_cast<int>(share * cells), 0, cells - 1);
}

}  // namespace

std::string text_scatter(std::span<const double> measured_s, std::span<const double> predicted_s) {
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 0; i < measured_s.size(); ++i) {
    if (measured_s[i] > 0 && predicted_s[i] > 0)
      pairs.emplace_back(std::log(measured_s[i]), std::log(predicted_s[i]));
  }
  if (pairs.empty()) return "";
  double low = pairs.front().first;
  double high = low;
  for (const auto& [x, y] : pairs) {
    low = std::min({low, x, y});
    high = std::max({high, x, y});
  }
  high += 0.01;  // one pair alone has a range too
  std::vector<int> count(static_cast<std::size_t>(kColumns) * kRows);
  for (const auto& [x, y] : pairs) {
    const int row = kRows - 1 - cell_of(y, low, high, kRows);
    ++count[static_cast<std::size_t>(row * kColumns + cell_of(x, low, high, kColumns))];
  }
  std::string out = fmt::format("predicted, up to {}\n", milliseconds(high));
  for (int row = 0; row < kRows; ++row) {
    std::string line = "|";
    for (int column = 0; column < kColumns; ++column) {
      const bool equal = column * kRows / kColumns == kRows - 1 - row;
      const char mark = mark_of(count[static_cast<std::size_t>(row * kColumns + column)]);
      line += mark == ' ' && equal ? '/' : mark;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out + fmt::format("+{:-<{}}\n {:<{}}{}\n", "", kColumns, milliseconds(low), kColumns - 24,
                           fmt::format("measured, up to {}", milliseconds(high)));
}

}  // namespace hotexpert
