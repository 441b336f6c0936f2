#include "reports/exporters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "reports/section.hpp"
#include "reports/web_bundle.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_quickstart.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A page is too long to print when something is not in it.
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const Comparison& quickstart() {
  static const auto comparison = [] {
    const test_support::TemporaryFolder folder;
    test_support::write_quickstart_run(folder.path("run"));
    std::vector<hotexpert::Run> runs;
    runs.push_back(read_run(folder.path("run")));
    return make_comparison(std::move(runs));
  }();
  return comparison;
}

TEST(ExportersTest, TheFormatFollowsFromTheExtension) {
  EXPECT_EQ(exporter_for("a/b.c/report.html").name, "html");
  EXPECT_EQ(exporter_for("report.csv").name, "csv");
  EXPECT_THROW(exporter_for("report.htm"), UsageError);
  EXPECT_THROW(exporter_for("folder.html/report"), UsageError);
}

TEST(ExportersTest, AReportThatCannotBeWrittenIsAnOutputError) {
  EXPECT_THROW(write_report(quickstart(), "/nonexistent/x.csv"), OutputError);
}

TEST(ExportersTest, CsvHasOneRowAPointAndUnitsInTheHeader) {
  const std::string csv = render_csv(quickstart());
  EXPECT_THAT(csv, StartsWith("skew.target,kernel,capacity.factor,step.tokens"));
  EXPECT_THAT(csv, HasSubstr("layer.total_s [s],layer.total_s ci95 low [s]"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 77);
}

TEST(ExportersTest, JsonRowsAreKeyedByAxisAndMetric) {
  const Json json = Json::parse(render_json(quickstart()), "report");
  const auto& rows = json.at("rows").as_array();
  ASSERT_EQ(rows.size(), 76U);
  EXPECT_EQ(rows[0].at("kernel").as_string(), "padded");
  EXPECT_EQ(rows[0].at("capacity.factor").as_double(), 1);
  EXPECT_EQ(rows[0].at("layer.experts").as_integer(), 8) << "fixed axes are in each row";
  EXPECT_EQ(rows[0].at("layer.total_s").as_double(),
            quickstart().points[0].result.find("layer.total_s")->value);
  EXPECT_EQ(rows[75].at("outcome").as_string(), "skipped");
  EXPECT_EQ(point_result_from_json(json.at("points").as_array()[3]).point,
            quickstart().points[3].result.point);
}

TEST(ExportersTest, MarkdownGivesMedianWidthAndDeltaAgainstTheFirstColumn) {
  const std::string markdown = render_markdown(quickstart());
  EXPECT_THAT(markdown,
              HasSubstr("| max/mean load | padded | grouped | vs padded | loop | vs padded |"));
  const std::regex row(
      R"(\| 4 \| [0-9.]+ ms ±[0-9.]+ % \| [0-9.]+ ms ±[0-9.]+ % \| -7[0-9.]+ % \(-7[0-9.]+ to -7[0-9.]+\) \|)");
  EXPECT_TRUE(std::regex_search(markdown, row)) << markdown.substr(0, 3000);
}

TEST(ExportersTest, MarkdownShowsATildeWhereTheIntervalsCannotTell) {
  const std::string markdown = render_markdown(quickstart());
  const std::regex row(R"(\| 1 \| [^|]* \| [^|]* \| ~ \|)");
  EXPECT_TRUE(std::regex_search(markdown, row)) << markdown.substr(0, 3000);
}

TEST(ExportersTest, MarkdownOfTwoRunsSetsEachKernelAgainstItsOwnBaseWithAGeometricMean) {
  const test_support::TemporaryFolder folder;
  test_support::write_quickstart_run(folder.path("base"), 1);
  test_support::write_quickstart_run(folder.path("new"), 2, 1.6);
  std::vector<hotexpert::Run> runs;
  for (const char* name : {"base", "new"}) runs.push_back(read_run(folder.path(name)));
  const std::string markdown = render_markdown(make_comparison(std::move(runs)));
  EXPECT_THAT(markdown, HasSubstr("| base, grouped | new, grouped | vs base, grouped |"));
  const std::regex slower(R"(\| 4 \|(.*\|){5} \+(5[89]|6[0-2])\.[0-9] % \()");
  EXPECT_TRUE(std::regex_search(markdown, slower)) << markdown.substr(0, 3000);
  // 1.6 at one of five skews: 1.6^(1/5) = 1.099.
  const std::regex mean(R"(\| geometric mean \|(.*\|){5} \+(9|10)\.[0-9] % \|)");
  EXPECT_TRUE(std::regex_search(markdown, mean)) << markdown.substr(0, 3000);
}

TEST(ExportersTest, CsvHasPercentilesAndUnitsInItsHeader) {
  const std::string csv = render_csv(quickstart());
  const std::string header = csv.substr(0, csv.find("\r\n"));
  EXPECT_THAT(header, HasSubstr("layer.total_s [s],layer.total_s ci95 low [s]"));
  EXPECT_THAT(header, HasSubstr("drop.assignment_fraction p95 [fraction]"));
}

TEST(ExportersTest, EverySectionHasItsTableInThePageWithCaptionAndScope) {
  const std::string page = render_html(quickstart());
  for (const auto* section : report_sections()) {
    const View view = make_view(quickstart(), section->view());
    const std::string id = "<section id=\"" + std::string(section->id) + "\"";
    if (view.eligible.empty()) {
      EXPECT_FALSE(contains(page, id));
      continue;
    }
    const auto at = page.find(id);
    ASSERT_NE(at, std::string::npos) << id;
    const std::string part = page.substr(at, page.find("</section>", at) - at);
    EXPECT_THAT(part, HasSubstr("<caption>"));
    EXPECT_THAT(part, HasSubstr("<th scope=\"col\""));
    EXPECT_THAT(part, HasSubstr("<th scope=\"row\""));
    EXPECT_GE(std::count(part.begin(), part.end(), '\n'), 8) << "rows";
  }
}

TEST(ExportersTest, ThePageAllowsOnlyItsOwnScriptAndStyle) {
  const std::string page = render_html(quickstart());
  EXPECT_TRUE(contains(page, "default-src 'none'"));
  EXPECT_FALSE(contains(page, "unsafe-inline"));
  EXPECT_TRUE(contains(page, "style-src 'sha256-"));
}

TEST(ExportersTest, ThePageSaysWhatIsMissingOrCarriesTheCharts) {
  const std::string page = render_html(quickstart());
  if (kWebBundle.script.empty()) {
    EXPECT_FALSE(kWebBundle.missing.empty());
    EXPECT_TRUE(contains(page, "The charts are missing"));
  } else {
    for (const char* licence : {"The Apache Software Foundation", "Apache License",
                                "Copyright (c) 2017, Baidu Inc.", "Copyright (c) Microsoft"})
      EXPECT_TRUE(contains(page, licence)) << licence;
    EXPECT_EQ(kWebBundle.script.find("</script"), std::string_view::npos);
  }
}

TEST(ExportersTest, NumbersOfThePageAreThoseOfTheJson) {
  const std::string page = render_html(quickstart());
  const double tax = quickstart().points[4].result.find("layer.imbalance_tax")->value;
  EXPECT_TRUE(contains(page, shortest(tax))) << "embedded data";
}

TEST(ExportersTest, TablesOfALargeRunAreCutAndSayWhere) {
  hotexpert::Run run;
  run.manifest = test_support::small_manifest();
  for (int i = 0; i < 2000; ++i) {
    run.points.push_back(test_support::small_point(1 + i * 0.001, "padded"));
  }
  std::vector<hotexpert::Run> runs;
  runs.push_back(std::move(run));
  EXPECT_TRUE(contains(render_html(make_comparison(std::move(runs))),
                       "1500 more rows are in the CSV and JSON forms"));
}

}  // namespace
}  // namespace hotexpert
