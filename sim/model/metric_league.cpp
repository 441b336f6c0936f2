#include "sim/model/metric_league.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/errors.hpp"
#include "sim/base/statistics.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kFolds = 5;

/// Ranks 0 … n-1, equal values share their mean rank.
std::vector<double> mean_ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = (static_cast<double>(begin) + static_cast<double>(end - 1)) / 2;
    }
    begin = end;
  }
  return ranks;
}

struct Moments {
  double xx = 0;
  double xy = 0;
  double yy = 0;
  double mean_x = 0;
  double mean_y = 0;
};

Moments moments(const std::vector<double>& x, const std::vector<double>& y) {
  Moments m;
  m.mean_x = mean(x);
  m.mean_y = mean(y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.xx += (x[i] - m.mean_x) * (x[i] - m.mean_x);
    m.xy += (x[i] - m.mean_x) * (y[i] - m.mean_y);
    m.yy += (y[i] - m.mean_y) * (y[i] - m.mean_y);
  }
  return m;
}

/// Errors of ln ratio = a + b metric, each sample predicted by the line through the other folds.
double held_out_line_error(const std::vector<double>& metric,
                           const std::vector<double>& log_ratio) {
  std::vector<double> error;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<double> x;
    std::vector<double> y;
    for (std::size_t i = 0; i < metric.size(); ++i) {
      if (i % kFolds == fold) continue;
      x.push_back(metric[i]);
      y.push_back(log_ratio[i]);
    }
    if (x.empty()) continue;
    const Moments m = moments(x, y);
    const double slope = m.xx > 0 ? m.xy / m.xx : 0;
    for (std::size_t i = fold; i < metric.size(); i += kFolds) {
      const double predicted = m.mean_y + slope * (metric[i] - m.mean_x);
      error.push_back(std::abs(std::expm1(predicted - log_ratio[i])));
    }
  }
  return error.empty() ? 0 : median(error);
}

}  // namespace

double rank_correlation(const std::vector<double>& x, const std::vector<double>& y) {
  if (x.size() < 2) return 0;
  const Moments m = moments(mean_ranks(x), mean_ranks(y));
  return m.xx > 0 && m.yy > 0 ? m.xy / std::sqrt(m.xx * m.yy) : 0;
}

std::vector<LeagueRow> metric_league(const std::vector<std::string>& metrics,
                                     const std::vector<LeagueSample>& samples) {
  std::vector<std::string> regimes;
  for (const auto& sample : samples) {
    if (sample.metrics.size() != metrics.size()) {
      throw UsageError("league: a sample of regime '" + sample.regime + "' has " +
                       std::to_string(sample.metrics.size()) + " values for " +
                       std::to_string(metrics.size()) + " metrics");
    }
    if (std::find(regimes.begin(), regimes.end(), sample.regime) == regimes.end()) {
      regimes.push_back(sample.regime);
    }
  }
  std::vector<LeagueRow> league;
  for (const auto& regime : regimes) {
    std::vector<LeagueRow> table;
    for (std::size_t m = 0; m < metrics.size(); ++m) {
      std::vector<double> value;
      std::vector<double> log_ratio;
      for (const auto& sample : samples) {
        if (sample.regime != regime) continue;
        value.push_back(sample.metrics[m]);
        log_ratio.push_back(std::log(sample.time_ratio));
      }
      table.push_back({regime, metrics[m], static_cast<std::int64_t>(value.size()),
                       rank_correlation(value, log_ratio), held_out_line_error(value, log_ratio)});
    }
    std::stable_sort(table.begin(), table.end(), [](const LeagueRow& a, const LeagueRow& b) {
      const double rho_a = std::abs(a.rank_correlation);
      const double rho_b = std::abs(b.rank_correlation);
      return rho_a != rho_b ? rho_a > rho_b : a.held_out_error < b.held_out_error;
    });
    league.insert(league.end(), table.begin(), table.end());
  }
  return league;
}

Json to_json(const std::vector<LeagueRow>& league) {
  Json rows = Json::array();
  for (const auto& row : league) {
    Json json = Json::object();
    json.set("regime", row.regime).set("metric", row.metric).set("n", row.n);
    json.set("rank_correlation", row.rank_correlation);
    json.set("held_out_error", row.held_out_error);
    rows.push(std::move(json));
  }
  Json out = Json::object();
  return out.set("rows", std::move(rows));
}

}  // namespace hotexpert
