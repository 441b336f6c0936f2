#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/section.hpp"
#include "tests/reports/fake_model.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

Comparison comparison_of(void (*write)(const std::string&)) {
  const test_support::TemporaryFolder folder;
  const std::string dir = folder.path("run");
  write(dir);
  return make_comparison({read_run(dir)});
}

Table table_of(const Comparison& comparison, std::string_view id) {
  for (const auto* section : report_sections()) {
    if (section->id != id) continue;
    const View view = make_view(comparison, section->view());
    EXPECT_FALSE(view.eligible.empty()) << id;
    return section->table(comparison, view);
  }
  ADD_FAILURE() << "no section " << id;
  return {};
}

std::vector<std::string> said_of(const Comparison& comparison) {
  std::vector<std::string> said;
  for (const auto& finding : findings(comparison)) said.push_back(finding.text);
  return said;
}

TEST(PriceSectionsTest, TheRegimeMapNamesWhatBindsAndWhereBalancedIsSlower) {
  const auto comparison = comparison_of(test_support::write_price_run);
  const Table table = table_of(comparison, "regime-map");
  ASSERT_EQ(table.rows.size(), 12U);
  EXPECT_EQ(table.rows[2].cells[5], "weight bytes");  // 16 tokens, max/mean 4
  EXPECT_EQ(table.rows[11].cells[5], "straggler");    // 16384 tokens
  EXPECT_EQ(table.rows[11].cells[4], "2.47x");
  const auto said = said_of(comparison);
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("Up to 16 tokens"), HasSubstr("slower"),
                                   HasSubstr("max/mean 4"))));
  EXPECT_THAT(said, Contains(HasSubstr("weight bytes from 16 tokens, straggler from 4096 tokens")));
}

TEST(PriceSectionsTest, APriceIsSaidWithItsInterval) {
  const auto comparison = comparison_of(test_support::write_price_run);
  EXPECT_EQ(table_of(comparison, "price-list").rows.size(), 12U);
  EXPECT_THAT(said_of(comparison),
              Contains(AllOf(HasSubstr("At 16384 tokens"), HasSubstr("± 200 ns"))));
}

TEST(FitSectionsTest, ErrorsAreThoseOfTheWholeFileAndOfShapesLeftOut) {
  const auto comparison = comparison_of(test_support::write_validation_run);
  EXPECT_EQ(table_of(comparison, "predicted-measured").rows.size(), 4U);
  const auto said = said_of(comparison);
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("20 published measurements"), HasSubstr("9 of 10"))));
  EXPECT_THAT(said, Contains(HasSubstr("left out of the fit")));
}

TEST(FitSectionsTest, TheLeagueNamesTheBestMetricOfEachRegime) {
  const auto comparison = comparison_of(test_support::write_league_run);
  EXPECT_EQ(table_of(comparison, "metric-league").rows.size(), 6U);
  EXPECT_THAT(said_of(comparison),
              Contains(AllOf(HasSubstr("few tokens by `load.active_experts` (0.90)"),
                             HasSubstr("many tokens by `rank.cv` (0.80)"),
                             HasSubstr("reaches 0.15 at most"))));
}

TEST(RebalanceVerdictTest, TheChosenScheduleCarriesTheVerdictAndMovesAreCharged) {
  const auto comparison = comparison_of(test_support::write_verdict_run);
  const Table table = table_of(comparison, "rebalance-verdict");
  ASSERT_EQ(table.rows.size(), 6U);
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    EXPECT_EQ(table.rows[row].cells.back(), row == 3 ? "enable" : "") << row;
  }
  EXPECT_EQ(table.rows[3].cells[0], "50");
  EXPECT_EQ(table.rows[3].cells[2], "10.0 %");
  EXPECT_EQ(table.rows[0].cells[0], "once");
  EXPECT_EQ(table.rows[5].cells[8], "never");  // every 5 steps: the moves cost more than they save
  EXPECT_THAT(said_of(comparison), Contains(HasSubstr("Rebalance? enable: It gains 10 %.")));
}

TEST(RebalanceVerdictTest, SweepsHaveNoSuchSection) {
  const test_support::TemporaryFolder folder;
  for (const auto& said : said_of(comparison_of(test_support::write_price_run)))
    EXPECT_THAT(said, Not(HasSubstr("Rebalance?")));
}

}  // namespace
}  // namespace hotexpert
