#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/section.hpp"
#include "tests/reports/fake_profile.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

Comparison profile_comparison(const test_support::TemporaryFolder& folder) {
  test_support::write_profile_run(folder.path("run"));
  return make_comparison({read_run(folder.path("run"))});
}

const ReportSection& section(std::string_view id) {
  for (const auto* one : report_sections()) {
    if (one->id == id) return *one;
  }
  throw std::logic_error("no such section");
}

Table table_of(const Comparison& comparison, std::string_view id) {
  const auto& wanted = section(id);
  return wanted.table(comparison, make_view(comparison, wanted.view()));
}

std::string said_of(const Comparison& comparison, std::string_view chart) {
  for (const auto& finding : findings(comparison)) {
    if (finding.chart == chart) return finding.text;
  }
  return "";
}

TEST(ProfileSectionTest, TheTimelineTableHoldsEveryTile) {
  const test_support::TemporaryFolder folder;
  const auto table = table_of(profile_comparison(folder), "profile-timeline");
  ASSERT_THAT(table.rows, SizeIs(4));
  EXPECT_THAT(table.rows[3].cells, ElementsAre("1", "2.000", "2.100", "3", "10", "90"));
}

TEST(ProfileSectionTest, TheLedgerTableGoesFromControlToMeasured) {
  const test_support::TemporaryFolder folder;
  const auto table = table_of(profile_comparison(folder), "profile-ledger");
  ASSERT_GE(table.rows.size(), 3U);
  EXPECT_EQ(table.rows.front().cells[1], "3.000");
  EXPECT_EQ(table.rows.back().cells[1], "4.500");
  bool found = false;
  for (const auto& row : table.rows) {
    if (row.cells[0] != "capacity padding") continue;
    found = true;
    EXPECT_THAT(row.cells,
                ElementsAre("capacity padding", "1.200", "1.190 to 1.210", "80.0 %",
                            "1.200 ms booked, 1.100 ms saved (1.090 to 1.110): confirmed"));
  }
  EXPECT_TRUE(found);
}

TEST(ProfileSectionTest, SharesOfRowsAndTimeStandBesideEachOther) {
  const test_support::TemporaryFolder folder;
  const auto table = table_of(profile_comparison(folder), "profile-share");
  ASSERT_THAT(table.rows, SizeIs(4));
  EXPECT_THAT(table.rows[0].cells, ElementsAre("0", "100", "50.00 %", "25.00 %"));
}

TEST(ProfileSectionTest, ALedgerWithTooMuchUnexplainedSaysSoInsteadOfItsLargestCause) {
  const test_support::TemporaryFolder folder;
  test_support::write_profile_run(folder.path("run"), -1.365e-3);
  EXPECT_EQ(said_of(make_comparison({read_run(folder.path("run"))}), "profile-ledger"),
            "91.0 % of the 1.50 ms between the profiled step and its balanced control is "
            "unexplained: do not act on this ledger; profile again on an idle machine.");
}

TEST(ProfileSectionTest, SaysWhoEndedLastAndWhatIsBooked) {
  const test_support::TemporaryFolder folder;
  const auto comparison = profile_comparison(folder);
  EXPECT_EQ(
      said_of(comparison, "profile-timeline"),
      "In the profiled pass expert 3's tiles ended last, on worker 1; workers were idle 2.4 % "
      "of the expert phase.");
  EXPECT_EQ(said_of(comparison, "profile-ledger"),
            "Of the 1.50 ms that the profiled step takes over its balanced control, 1.20 ms is "
            "booked to: capacity padding.");
  EXPECT_EQ(said_of(comparison, "profile-roofline"),
            "By its counters the expert kernel reaches 66.7 % of its roof, which is the memory "
            "bandwidth at 200 flop per byte.");
}

}  // namespace
}  // namespace hotexpert
