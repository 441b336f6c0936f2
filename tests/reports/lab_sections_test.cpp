#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "reports/section.hpp"
#include "reports/sections/lab_groups.hpp"
#include "tests/reports/fake_lab.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

class LabSectionsTest : public testing::Test {
 protected:
  void SetUp() override {
    test_support::write_lab_run(folder_.path("run"));
    comparison_ = make_comparison({read_run(folder_.path("run"))});
  }
  [[nodiscard]] const ReportSection& section(std::string_view id) const {
    for (const auto* one : report_sections()) {
      if (one->id == id) return *one;
    }
    throw std::runtime_error("no such section");
  }
  [[nodiscard]] Table table(std::string_view id) const {
    const auto& one = section(id);
    return one.table(comparison_, make_view(comparison_, one.view()));
  }

  test_support::TemporaryFolder folder_;
  Comparison comparison_;
};

TEST_F(LabSectionsTest, SeedsAreOneRowWithAnInterval) {
  const auto balance = table("balance-by-weight");
  ASSERT_EQ(balance.rows.size(), 7U) << "none, and two methods at three weights";
  EXPECT_EQ(balance.rows[0].cells[0], "none");
  EXPECT_EQ(balance.rows[0].cells[1], "");
  EXPECT_EQ(balance.rows[1].cells[0], "megatron");
  EXPECT_EQ(balance.rows[1].cells[1], "0.001");
  EXPECT_EQ(balance.rows[1].cells[2], "3");
  EXPECT_THAT(balance.rows[1].cells[4], HasSubstr(" to "));
  for (const auto& row : balance.rows) EXPECT_EQ(row.cells.size(), balance.columns.size());
}

TEST_F(LabSectionsTest, AnIntervalOfFewSeedsEndsWhereTheQuantityEnds) {
  const LabGroup group{"none", {}, {0, 1, 2}};
  const std::array<double, 3> spread = {1.0, 1.1, 2.9};
  for (std::size_t seed = 0; seed < spread.size(); ++seed) {
    for (auto& measurement : comparison_.points[seed].result.measurements) {
      if (measurement.metric == "load.max_over_mean") measurement.value = spread[seed];
      if (measurement.metric == "train.task_loss") measurement.value = spread[seed] - 1;
      if (measurement.metric == "train.hottest_share") measurement.value = spread[seed] / 3;
    }
  }
  const auto interval = [&](const char* metric) {
    return seed_mean(comparison_, group, metric)->ci95.value();
  };
  EXPECT_EQ(interval("load.max_over_mean").low, 1);
  EXPECT_GT(interval("load.max_over_mean").high, 2.9) << "above there is no end";
  EXPECT_EQ(interval("train.task_loss").low, 0);
  EXPECT_EQ(interval("train.hottest_share").high, 1);
}

TEST_F(LabSectionsTest, TheSmallestWeightThatIsBalancedWithinOnePercentOfTheBestLossIsNamed) {
  std::vector<std::string> said;
  for (const auto& finding : findings(comparison_)) said.push_back(finding.text);
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("With `megatron` the smallest weight"),
                                   HasSubstr("within 1 % of the best loss is 0.1"))))
      << "0.01 leaves max/mean at 1.5";
  EXPECT_THAT(said, Contains(HasSubstr("Without balancing the hottest expert gets 6.02")));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("On the kernel `padded` the layer of `none`"),
                                   HasSubstr("as long"))));
  EXPECT_THAT(said, Contains(HasSubstr("imbalance arises by itself")));
}

TEST_F(LabSectionsTest, TimeToQualityIsThatOfEachKernelAndSaysWhereTheLossIsNeverReached) {
  const auto quality = table("time-to-quality");
  ASSERT_EQ(quality.columns.size(), 7U);
  EXPECT_EQ(quality.rows[0].cells[3], "not reached") << "none ends above the best loss";
  EXPECT_NE(quality.rows[2].cells[3], "not reached");
}

}  // namespace
}  // namespace hotexpert
