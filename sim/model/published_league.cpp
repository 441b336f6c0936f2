#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <tuple>

#include "sim/metrics/load_metrics.hpp"
#include "sim/model/metric_league.hpp"
#include "sim/model/published_loads.hpp"

namespace hotexpert {
namespace {

/// Loads of one routing of a row, seen in the ways metrics need.
struct LoadView {
  std::span<const std::int64_t> experts;     ///< all E
  std::span<const std::int64_t> timed_rank;  ///< those of rank 0, whose time is published
  std::vector<std::int64_t> ranks;           ///< rows of each rank
};

constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileColumns = 128;
constexpr std::int64_t kMultiprocessors = 132;

double tile_waves(const LoadView& view, const LayerShape& shape) {
  std::int64_t row_tiles = 0;
  for (const std::int64_t rows : view.timed_rank) row_tiles += (rows + kTileRows - 1) / kTileRows;
  const std::int64_t tiles = row_tiles * ((2 * shape.d_ff + kTileColumns - 1) / kTileColumns);
  return static_cast<double>((tiles + kMultiprocessors - 1) / kMultiprocessors);
}

struct MetricRule {
  std::string_view name;
  bool relative;  ///< divided by its value for the balanced control
  double (*value)(const LoadView&, const LayerShape&);
};

constexpr std::array kRules = {
    MetricRule{"load.max_over_mean", false,
               [](const LoadView& v, const LayerShape&) { return max_over_mean(v.experts); }},
    MetricRule{"load.max_vio_batch", false,
               [](const LoadView& v, const LayerShape&) { return max_over_mean(v.experts) - 1; }},
    MetricRule{"load.cv", false,
               [](const LoadView& v, const LayerShape&) { return load_cv(v.experts); }},
    MetricRule{"load.gini", false,
               [](const LoadView& v, const LayerShape&) { return load_gini(v.experts); }},
    MetricRule{"load.active_experts", true,
               [](const LoadView& v, const LayerShape&) {
                 return static_cast<double>(active_experts(v.timed_rank));
               }},
    MetricRule{"rank.max_over_mean", false,
               [](const LoadView& v, const LayerShape&) { return max_over_mean(v.ranks); }},
    MetricRule{"rank.cv", false,
               [](const LoadView& v, const LayerShape&) { return load_cv(v.ranks); }},
    MetricRule{"tile_waves", true, tile_waves},
};

std::vector<double> metrics_of(const PublishedRow& row, const std::vector<std::int64_t>& loads) {
  const auto local = static_cast<std::size_t>(row.local_experts());
  LoadView view{loads, std::span(loads).first(local), {}};
  for (std::size_t first = 0; first < loads.size(); first += local) {
    const auto part = std::span(loads).subspan(first, local);
    view.ranks.push_back(std::accumulate(part.begin(), part.end(), std::int64_t{0}));
  }
  std::vector<double> values;
  for (const auto& rule : kRules) values.push_back(rule.value(view, row.shape));
  return values;
}

std::string regime_of(const PublishedRow& row) {
  return token_regime(row.num_tokens) +
         (row.expert_parallel == 1 ? ", one rank" : ", expert parallel");
}

}  // namespace

std::string token_regime(std::int64_t tokens) {
  return tokens <= 64 ? "tokens 1-64" : tokens <= 1024 ? "tokens 65-1024" : "tokens above 1024";
}

std::vector<std::string> published_metric_names() {
  std::vector<std::string> names;
  for (const auto& rule : kRules) names.emplace_back(rule.name);
  return names;
}

std::vector<LeagueSample> published_samples(const std::vector<PublishedRow>& rows, int draws) {
  using ControlKey = std::tuple<std::string, int, int, std::int64_t>;
  const auto control_key = [](const PublishedRow& row) {
    return ControlKey{row.model, row.tensor_parallel, row.expert_parallel, row.num_tokens};
  };
  const auto anomalous = find_anomalies(rows);
  std::map<ControlKey, std::size_t> controls;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].alpha == 0 && !anomalous[i]) controls.emplace(control_key(rows[i]), i);
  }
  std::vector<LeagueSample> samples;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    const auto control = controls.find(control_key(row));
    if (row.alpha == 0 || anomalous[i] || control == controls.end()) continue;
    const PublishedRouting routing{row.num_tokens, row.shape.num_experts, row.shape.top_k,
                                   row.expert_parallel};
    const auto base = metrics_of(row, balanced_loads(routing));
    std::vector<double> values(kRules.size());
    for (int draw = 0; draw < draws; ++draw) {
      const auto drawn =
          metrics_of(row, power_law_loads(routing, row.alpha, static_cast<std::uint32_t>(draw)));
      for (std::size_t m = 0; m < values.size(); ++m) {
        const bool relative = kRules[m].relative && base[m] > 0;
        values[m] += drawn[m] / (relative ? base[m] : 1) / draws;
      }
    }
    samples.push_back(
        {regime_of(row), row.latency_s / rows[control->second].latency_s, std::move(values)});
  }
  return samples;
}

}  // namespace hotexpert
