#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/section.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

Series over_ranks(const char* metric, std::vector<double> values) {
  Series series;
  series.metric = metric;
  series.dims = {"rank"};
  series.shape = {static_cast<std::int64_t>(values.size())};
  series.values = std::move(values);
  return series;
}

Series by_layer(const char* metric, std::vector<double> values) {
  Series series = over_ranks(metric, std::move(values));
  series.dims = {"layer", "rank"};
  series.shape = {2, static_cast<std::int64_t>(series.values.size()) / 2};
  return series;
}

PointResult ranks_point(const char* method, int slots, double max_over_mean, double step_s) {
  PointResult result;
  result.point = {{"placement.method", Json(method)}, {"placement.slots", Json(slots)}};
  const auto timed = [](const char* metric, double seconds) {
    return Measurement{
        metric, seconds, Provenance::kMeasured, {}, Interval{seconds * 0.99, seconds * 1.01}, {}};
  };
  result.measurements = {{"rank.max_over_mean", max_over_mean},
                         {"place.lower_bound_ratio", 1.1},
                         timed("layer.total_s", step_s * 0.9),
                         timed("layer.imbalance_tax", max_over_mean - 1),
                         timed("layer.step_s", step_s),
                         {"layer.idle_fraction", 0.4, Provenance::kMeasured},
                         {"rank.straggler", 1, Provenance::kMeasured}};
  result.series = {over_ranks("rank_total_s", {0.001, 0.003}),
                   over_ranks("rank_ffn_s", {0.0008, 0.0028}),
                   over_ranks("rank_rows", {100, 300}),
                   over_ranks("rank_dispatch_s", {0.0001, 0.0002}),
                   over_ranks("rank_return_s", {0.0002, 0.0001}),
                   over_ranks("straggler.hot_experts", {7, 250}),
                   by_layer("rank.load", {100, 100, 50, 150}),
                   by_layer("rank.load_contiguous", {50, 150, 100, 300})};
  return result;
}

Comparison comparison_of(Json manifest, std::vector<PointResult> points) {
  Run run;
  run.manifest = std::move(manifest);
  run.points = std::move(points);
  std::vector<Run> runs;
  runs.push_back(std::move(run));
  return make_comparison(std::move(runs));
}

Comparison ranks_comparison() {
  Json manifest = test_support::small_manifest();
  manifest.set("axes", Json::parse(R"([{"name":"placement.method","label":"placement","unit":""},
                               {"name":"placement.slots","label":"slots","unit":"count"}])",
                                   "axes"));
  return comparison_of(std::move(manifest),
                       {ranks_point("contiguous", 64, 2.0, 0.010),
                        ranks_point("eplb", 64, 1.4, 0.007), ranks_point("eplb", 80, 1.1, 0.0100)});
}

Table table_of(const Comparison& comparison, std::string_view id) {
  for (const auto* section : report_sections()) {
    if (section->id == id)
      return section->table(comparison, make_view(comparison, section->view()));
  }
  return {};
}

TEST(RankSectionsTest, NameTheStragglerAndItsHottestExpert) {
  std::vector<std::string> said;
  for (const auto& finding : findings(ranks_comparison())) said.push_back(finding.text);
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("wait for rank 1"), HasSubstr("expert: 7, 250 rows"),
                                   HasSubstr("40 %"))));
  EXPECT_THAT(said,
              Contains(AllOf(HasSubstr("Rebalancing pays: placed by `eplb`"), HasSubstr("0.70x"))));
}

TEST(RankSectionsTest, TheTimelineTableHoldsEveryRank) {
  const Table table = table_of(ranks_comparison(), "rank-timeline");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].cells,
            (std::vector<std::string>{"0", "100", "0.8000", "1", "2", "0.1000", "0.2000"}));
}

TEST(RankSectionsTest, LoadsBeforeAndAfterAreRelativeToTheirLayersMean) {
  const auto comparison = ranks_comparison();
  const Table before = table_of(comparison, "rank-load-before");
  ASSERT_EQ(before.rows.size(), 2U);
  EXPECT_EQ(before.rows[1].cells, (std::vector<std::string>{"1", "0.50", "1.50"}));
  const Table after = table_of(comparison, "rank-load-after");
  EXPECT_EQ(after.rows[0].cells, (std::vector<std::string>{"0", "1.00", "1.00"}));
}

TEST(RankSectionsTest, EachPlacementHasAVerdictAgainstContiguous) {
  const Table table = table_of(ranks_comparison(), "placement-gain");
  ASSERT_EQ(table.rows.size(), 3U);
  const auto verdict = [&](std::size_t row) { return table.rows[row].cells[7]; };
  EXPECT_EQ(verdict(0), "");
  EXPECT_EQ(verdict(1), "faster");
  EXPECT_EQ(verdict(2), "cannot tell");  // equal medians, intervals wider than what is worth it
}

TEST(RankSectionsTest, RunsWithoutRanksHaveNoSuchSection) {
  const auto comparison =
      comparison_of(test_support::small_manifest(), {test_support::small_point(1, "padded")});
  for (const auto* section : report_sections()) {
    if (section->group != SectionGroup::kRanks) continue;
    EXPECT_TRUE(make_view(comparison, section->view()).eligible.empty()) << section->id;
  }
}

}  // namespace
}  // namespace hotexpert
