#include "reports/embedded_series.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/exporters.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Series loads(const char* metric, std::vector<double> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  return {metric, "count", Provenance::kCounted, {"expert"}, {size}, std::move(values), ""};
}

PointResult loaded_point(double skew, std::vector<double> values, const char* kernel = "padded") {
  auto point = test_support::small_point(skew, kernel);
  point.series = {loads("load.measured_batch", std::move(values)),
                  loads("load.balanced_batch", {2, 2, 2, 2})};
  return point;
}

Comparison comparison_of(std::vector<PointResult> points, const std::string& dir = "") {
  hotexpert::Run run{dir, test_support::small_manifest(), std::move(points), {}};
  std::vector<hotexpert::Run> runs;
  runs.push_back(std::move(run));
  return make_comparison(std::move(runs));
}

TEST(EmbeddedSeriesTest, EqualArraysOfSeveralPointsAreHeldOnce) {
  const auto embedded = embed_series(
      comparison_of({loaded_point(2, {5, 1, 1, 1}), loaded_point(2, {5, 1, 1, 1}, "grouped"),
                     loaded_point(1, {2, 2, 2, 2})}));
  EXPECT_EQ(embedded.arrays.size(), 2U);
  EXPECT_THAT(embedded.points.at("load.measured_batch"),
              ElementsAre(Pair(0, 0), Pair(1, 0), Pair(2, 1)));
  EXPECT_THAT(embedded.points.at("load.balanced_batch"),
              ElementsAre(Pair(0, 1), Pair(1, 1), Pair(2, 1)));
  EXPECT_TRUE(embedded.notes.empty());
}

TEST(EmbeddedSeriesTest, AFullPageKeepsTheMostSkewedAndSaysWhatItLeftOut) {
  const auto comparison =
      comparison_of({loaded_point(1, {3, 2, 2, 1}), loaded_point(3, {6, 1, 1, 0}),
                     loaded_point(2, {4, 2, 1, 1})});
  const auto embedded = embed_series(comparison, {.values_per_request = 8});
  EXPECT_THAT(embedded.points.at("load.measured_batch"), ElementsAre(Pair(1, 0), Pair(2, 1)));
  EXPECT_THAT(embedded.notes.at("tokens-per-expert"),
              ElementsAre(::testing::AllOf(HasSubstr("2 of 3 points with load.measured_batch"),
                                           HasSubstr("at most 8 values"))));
}

TEST(EmbeddedSeriesTest, AllRequestsTogetherHaveALimit) {
  const auto embedded = embed_series(comparison_of({loaded_point(1, {3, 2, 2, 1})}),
                                     {.values_per_request = 100, .values_in_page = 4});
  EXPECT_EQ(embedded.points.at("load.measured_batch").size(), 1U);
  EXPECT_EQ(embedded.points.at("load.balanced_batch").size(), 0U);
}

TEST(EmbeddedSeriesTest, ArraysInFilesAreReadAndLostFilesAreSaid) {
  const test_support::TemporaryFolder folder;
  std::vector<double> many(kMaxInlineValues + 1, 1.0);
  {
    auto writer = RunWriter::create(folder.path("run"), test_support::small_manifest());
    writer.append(loaded_point(1, many));
    many[0] = 7;
    writer.append(loaded_point(2, many));
  }
  std::filesystem::remove_all(folder.path("run") + "/artifacts/1");
  std::vector<hotexpert::Run> runs;
  runs.push_back(read_run(folder.path("run")));
  const auto comparison = make_comparison(std::move(runs));
  EXPECT_FALSE(read_series(comparison, 0, "load.measured_batch").has_value());
  const auto embedded = embed_series(comparison);
  EXPECT_THAT(embedded.points.at("load.measured_batch"), ElementsAre(Pair(1, 0)));
  EXPECT_EQ(embedded.arrays[0].values, many);
  EXPECT_THAT(embedded.notes.at("tokens-per-expert"),
              ElementsAre(HasSubstr("1 of 2 points have load.measured_batch in files")));
  EXPECT_THAT(render_html(comparison), HasSubstr("in files that cannot be read"));
}

TEST(EmbeddedSeriesTest, AnArrayThatIsNotItsShapeIsNotShown) {
  auto point = loaded_point(1, {1, 2, 3, 4});
  point.series[0].shape = {5};
  EXPECT_FALSE(read_series(comparison_of({point}), 0, "load.measured_batch").has_value());
}

TEST(EmbeddedSeriesTest, AnArrayIsReducedBeforeItIsEmbedded) {
  const SeriesRequest request{.metric = "load.measured_batch", .reduce = [](Series series) {
                                series.values = {series.values[0]};
                                series.shape = {1};
                                return series;
                              }};
  const auto read = read_series(comparison_of({loaded_point(1, {4, 3, 2, 1})}), 0, request);
  ASSERT_TRUE(read.has_value());
  EXPECT_THAT(read->values, ElementsAre(4));
}

}  // namespace
}  // namespace hotexpert
