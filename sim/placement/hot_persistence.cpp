#include "sim/placement/hot_persistence.hpp"
#include "sim/base/index.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>

namespace hotexpert {
namespace {

/// The hottest experts of a layer over some steps, by rising index; empty when nothing is loaded.
std::vector<int> hottest(const LoadMatrix& loads, int layer, std::int64_t begin, std::int64_t end,
                         int count) {
  std::vector<std::int64_t> sum(at(loads.experts), 0);
  for (std::int64_t step = begin; step < end; ++step) {
    const auto rows = loads.at(step, layer);
    for (std::size_t e = 0; e < rows.size(); ++e) sum[e] += rows[e];
  }
  if (std::all_of(sum.begin(), sum.end(), [](auto rows) { return rows == 0; })) return {};
  std::vector<int> order(sum.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return sum[at(a)] > sum[at(b)]; });
  order.resize(at(count));
  std::sort(order.begin(), order.end());
  return order;
}

std::size_t common(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

int hot_count(const LoadMatrix& loads) { return std::max(1, loads.experts / 8); }

double rows_of(std::span<const std::int64_t> rows, const std::vector<int>& experts) {
  double sum = 0;
  for (const int expert : experts) sum += static_cast<double>(rows[at(expert)]);
  return sum;
}

}  // namespace

HotPersistence hot_persistence(const LoadMatrix& loads, std::int64_t window, int max_lag) {
  HotPersistence out;
  out.window = window;
  out.hot_experts = hot_count(loads);
  out.chance = static_cast<double>(out.hot_experts) / loads.experts;
  const std::int64_t windows = loads.steps / window;
  const auto lags = std::min<std::int64_t>(max_lag, windows - 1);
  if (lags < 1) return out;

  std::vector<std::size_t> shared(at(lags), 0);
  std::vector<std::size_t> possible(at(lags), 0);
  for (int layer = 0; layer < loads.layers; ++layer) {
    std::vector<std::vector<int>> hot;
    for (std::int64_t w = 0; w < windows; ++w) {
      hot.push_back(hottest(loads, layer, w * window, (w + 1) * window, out.hot_experts));
    }
    for (std::size_t lag = 1; lag <= at(lags); ++lag) {
      for (std::size_t w = 0; w + lag < hot.size(); ++w) {
        if (hot[w].empty() || hot[w + lag].empty()) continue;
        shared[lag - 1] += common(hot[w], hot[w + lag]);
        possible[lag - 1] += at(out.hot_experts);
      }
    }
  }
  for (std::size_t lag = 0; lag < shared.size() && possible[lag] > 0; ++lag) {
    out.overlap.push_back(static_cast<double>(shared[lag]) / static_cast<double>(possible[lag]));
  }
  return out;
}

double foresight(const LoadMatrix& loads, std::int64_t interval, std::int64_t window,
                 std::int64_t first, std::int64_t begin, std::int64_t end) {
  const int count = hot_count(loads);
  const double even_share = static_cast<double>(count) / loads.experts;
  double foreseen = 0;
  double possible = 0;
  for (int layer = 0; layer < loads.layers; ++layer) {
    std::vector<int> planned;
    std::int64_t planned_at = -1;
    for (std::int64_t step = begin; step < end; ++step) {
      const std::int64_t plan_step =
          interval == 0 ? first : first + (step - first) / interval * interval;
      if (plan_step != planned_at) {
        planned = hottest(loads, layer, plan_step - window, plan_step, count);
        planned_at = plan_step;
      }
      const auto rows = loads.at(step, layer);
      const double total =
          static_cast<double>(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}));
      if (planned.empty() || total == 0) continue;
      foreseen += rows_of(rows, planned) - even_share * total;
      possible += rows_of(rows, hottest(loads, layer, step, step + 1, count)) - even_share * total;
    }
  }
  return possible > 0 ? foreseen / possible : 0;
}

}  // namespace hotexpert
