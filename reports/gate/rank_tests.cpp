#include "reports/gate/rank_tests.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hotexpert {
namespace {

constexpr double kZ95 = 1.959963984540054;

struct Ranks {
  std::vector<double> rank;  // from 1; equal values share the mean of theirs
  double tie_sum = 0;        // sum of t^3 - t over groups of t equal values
};

Ranks ranks_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Ranks out{std::vector<double>(values.size()), 0};
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i)
      out.rank[order[i]] = static_cast<double>(begin + 1 + end) / 2;
    const auto ties = static_cast<double>(end - begin);
    out.tie_sum += ties * ties * ties - ties;
    begin = end;
  }
  return out;
}

/// Two-sided p of a statistic that is about normal and moves in steps of one.
double p_of(double statistic, double mean, double variance) {
  if (variance <= 0) return 1;
  const double z = std::max(0.0, std::fabs(statistic - mean) - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

/// The median of the sorted candidates and the interval that cuts off `tail` of them at each end.
void set_shift(std::vector<double>& candidates, double tail, RankTest& test) {
  std::sort(candidates.begin(), candidates.end());
  test.shift = quantile(candidates, 0.5);
  const double last = static_cast<double>(candidates.size()) - 1;
  const auto cut = static_cast<std::size_t>(std::clamp(std::floor(tail) - 1, 0.0, last / 2));
  test.ci95 = {candidates[cut], candidates[candidates.size() - 1 - cut]};
}

}  // namespace

RankTest signed_rank(std::span<const double> differences) {
  RankTest test;
  std::vector<double> magnitude;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    magnitude.push_back(std::fabs(difference));
    positive.push_back(difference > 0);
  }
  const auto ranks = ranks_of(magnitude);
  double sum = 0;
  for (std::size_t i = 0; i < magnitude.size(); ++i) sum += positive[i] ? ranks.rank[i] : 0;
  const auto used = static_cast<double>(magnitude.size());
  test.p_value = p_of(sum, used * (used + 1) / 4,
                      used * (used + 1) * (2 * used + 1) / 24 - ranks.tie_sum / 48);

  const auto n = static_cast<double>(differences.size());
  std::vector<double> averages;
  averages.reserve(differences.size() * (differences.size() + 1) / 2);
  for (std::size_t i = 0; i < differences.size(); ++i) {
    for (std::size_t j = i; j < differences.size(); ++j)
      averages.push_back((differences[i] + differences[j]) / 2);
  }
  set_shift(averages, n * (n + 1) / 4 - kZ95 * std::sqrt(n * (n + 1) * (2 * n + 1) / 24), test);
  return test;
}

RankTest mann_whitney(std::span<const double> before, std::span<const double> after) {
  RankTest test;
  std::vector<double> all(before.begin(), before.end());
  all.insert(all.end(), after.begin(), after.end());
  const auto ranks = ranks_of(all);
  const auto n = static_cast<double>(before.size());
  const auto m = static_cast<double>(after.size());
  const double total = n + m;
  const double rank_sum = std::accumulate(
      ranks.rank.begin() + static_cast<std::ptrdiff_t>(before.size()), ranks.rank.end(), 0.0);
  const double u = rank_sum - m * (m + 1) / 2;
  const double variance = n * m / 12 * (total + 1 - ranks.tie_sum / (total * (total - 1)));
  test.p_value = p_of(u, n * m / 2, variance);

  std::vector<double> differences;
  differences.reserve(before.size() * after.size());
  for (const double b : before) {
    for (const double a : after) differences.push_back(a - b);
  }
  set_shift(differences, n * m / 2 - kZ95 * std::sqrt(n * m * (total + 1) / 12), test);
  return test;
}

}  // namespace hotexpert
