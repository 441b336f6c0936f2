#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "reports/section.hpp"
#include "tests/reports/fake_drops.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DropsSectionsTest : public testing::Test {
 protected:
  void SetUp() override {
    test_support::write_drops_run(folder_.path("run"));
    std::vector<hotexpert::Run> runs;
    runs.push_back(read_run(folder_.path("run")));
    comparison_ = make_comparison(std::move(runs));
  }

  Table table_of(std::string_view id) const {
    for (const auto* section : report_sections()) {
      if (section->id == id)
        return section->table(comparison_, make_view(comparison_, section->view()));
    }
    ADD_FAILURE() << "no section " << id;
    return {};
  }

  test_support::TemporaryFolder folder_;
  Comparison comparison_;
};

TEST_F(DropsSectionsTest, SayWhatTheSpectrumTheRulesTheLayersAndThePoliciesShow) {
  std::vector<std::string> said;
  for (const auto& finding : findings(comparison_)) said.push_back(finding.text);
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("To drop at most 1"), HasSubstr("the mean load"),
                                   HasSubstr("a perfectly uniform router would need"))));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("Capacity factor 1 is not one thing"),
                                   HasSubstr("`gshard` drops"), HasSubstr("`megatron` drops"))));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("layer 3 drops"), HasSubstr("layer 0"))));
  EXPECT_THAT(said, Contains(HasSubstr("goes from 2 (layer 0) to 2.25 (layer 3)")));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("`position`"), HasSubstr("in tenth 10"))));
}

TEST_F(DropsSectionsTest, TablesHoldEveryNumberOfTheirCharts) {
  const Table spectrum = table_of("drop-spectrum");
  ASSERT_EQ(spectrum.rows.size(), 49U);
  EXPECT_EQ(spectrum.rows[16].cells[1], "128");
  EXPECT_EQ(spectrum.rows[16].cells[2], "1");
  const Table layers = table_of("drops-by-layer");
  EXPECT_EQ(layers.rows.size(), 4U);
  EXPECT_EQ(layers.columns.back().title, "CF 2");
  EXPECT_EQ(layers.columns.size(), 4U) << "layer, and a column for each of three factors";
  const Table places = table_of("drops-by-position");
  EXPECT_EQ(places.rows.size(), 10U);
  EXPECT_EQ(places.rows[0].cells[1], "0") << "position spares the first tenth";
  EXPECT_EQ(table_of("drops-by-source-rank").rows.size(), 2U);
  EXPECT_EQ(table_of("needed-factor").rows.size(), 4U) << "all layers together have no place";
}

TEST_F(DropsSectionsTest, BiasIsShownAtTheSmallestFactorWhereThereIsMostOfIt) {
  for (const auto* section : report_sections()) {
    if (section->id != "drops-by-position") continue;
    const View view = make_view(comparison_, section->view());
    EXPECT_THAT(focus_text(comparison_, view), HasSubstr("capacity.factor 1,"));
    EXPECT_EQ(view.lines.size(), 2U);
  }
}

}  // namespace
}  // namespace hotexpert
