#include "tests/reports/fake_ranks.hpp"

#include <algorithm>

#include "reports/run_store.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert::test_support {
namespace {

Series series_of(const char* metric, const char* unit, std::vector<std::string> dims,
                 std::vector<std::int64_t> shape, std::vector<double> values) {
  Series series;
  series.metric = metric;
  series.unit = unit;
  series.dims = std::move(dims);
  series.shape = std::move(shape);
  series.values = std::move(values);
  return series;
}

/// Loads that fall from `hottest` times the mean on rank 0 evenly to what keeps the mean 1.
std::vector<double> falling_loads(int ranks, double hottest) {
  std::vector<double> loads;
  for (int r = 0; r < ranks; ++r)
    loads.push_back(hottest - 2 * (hottest - 1) * r / static_cast<double>(ranks - 1));
  return loads;
}

Measurement timed(const char* metric, double value) {
  return {metric, value, Provenance::kMeasured, {}, Interval{value * 0.98, value * 1.02}, {}};
}

PointResult ranks_point(int ranks, const std::string& method, int slots) {
  const double relief = (method == "contiguous" ? 0.0 : method == "eplb" ? 0.6 : 0.75);
  const double hottest = 1 + 0.9 * (1 - relief) * 64 / slots;
  PointResult point;
  point.point = {{"ep.ranks", Json(ranks)},
                 {"placement.method", Json(method)},
                 {"placement.slots", Json(slots)}};
  const double rank_s = 0.008 / ranks;
  point.measurements = {{"rank.max_over_mean", hottest},
                        {"place.lower_bound_ratio", 1 + (hottest - 1) / 2},
                        {"place.moved_bytes", relief * 1e9},
                        timed("layer.total_s", rank_s * hottest),
                        timed("layer.imbalance_tax", hottest - 1),
                        {"layer.all_to_all_s", 2e-4, Provenance::kModelled},
                        timed("layer.step_s", rank_s * hottest + 2e-4),
                        {"layer.idle_fraction", 1 - 1 / hottest, Provenance::kMeasured},
                        {"rank.straggler", 0, Provenance::kMeasured}};
  point.measurements[6].provenance = Provenance::kModelled;
  const auto over_ranks = [&](const char* metric, const char* unit, double factor, double hot) {
    auto values = falling_loads(ranks, hot);
    for (auto& value : values) value *= factor;
    point.series.push_back(series_of(metric, unit, {"rank"}, {ranks}, std::move(values)));
  };
  over_ranks("rank_total_s", "s", rank_s, hottest);
  over_ranks("rank_ffn_s", "s", rank_s * 0.9, hottest);
  over_ranks("rank_rows", "count", 8192.0 / ranks, hottest);
  over_ranks("rank_dispatch_s", "s", 1e-4, 1.0);
  point.series.back().provenance = Provenance::kModelled;
  over_ranks("rank_return_s", "s", 1e-4, 1.0);
  point.series.back().provenance = Provenance::kModelled;
  point.series.push_back(series_of("straggler.hot_experts", "count", {"place", "expert_and_rows"},
                                   {2, 2}, {7, 900, 3, 800}));
  const auto both_layers = [&](const char* metric, double hot) {
    auto values = falling_loads(ranks, hot);
    const auto second = falling_loads(ranks, 1 + (hot - 1) / 2);
    values.insert(values.end(), second.rbegin(), second.rend());
    point.series.push_back(
        series_of(metric, "count", {"layer", "rank"}, {2, ranks}, std::move(values)));
  };
  both_layers("rank.load", hottest);
  both_layers("rank.load_contiguous", 1.9);
  return point;
}

}  // namespace

void write_ranks_run(const std::string& dir) {
  Json manifest = small_manifest();
  manifest.set("title", "Ranks and placement")
      .set("axes", Json::parse(R"([{"name":"ep.ranks","label":"ranks","unit":"count"},
                              {"name":"placement.method","label":"placement","unit":""},
                              {"name":"placement.slots","label":"expert slots","unit":"count"}])",
                               "axes"));
  RunWriter writer = RunWriter::create(dir, manifest);
  for (const int ranks : {4, 16}) {
    for (const char* method : {"contiguous", "eplb", "refine"}) {
      for (const int slots : {64, 80}) writer.append(ranks_point(ranks, method, slots));
    }
  }
}

}  // namespace hotexpert::test_support
