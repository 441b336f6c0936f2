// The trends that field studies report, with 95 % intervals over five seeds, in runs of the default
// lab. They take five core minutes, so the runs' tables are kept in reports/measured/lab and read
// here; scenarios/lab-study makes them again, and HOTEXPERT_LAB_STUDY=FOLDER checks the new ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sim/base/json.hpp"
#include "sim/base/mean_interval.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<std::string> cells_of(std::string line) {
  while (!line.empty() && line.back() == '\r') line.pop_back();
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

/// The rows of a CSV report; its cells hold no commas. Units are cut off the titles.
void read_rows(const std::string& path, std::vector<Row>& rows) {
  std::ifstream in(path);
  ASSERT_TRUE(in.is_open()) << path;
  std::string line;
  std::getline(in, line);
  std::vector<std::string> titles;
  for (const auto& title : cells_of(line)) titles.push_back(title.substr(0, title.find(" [")));
  while (std::getline(in, line)) {
    const auto cells = cells_of(line);
    Row row;
    for (std::size_t i = 0; i < std::min(titles.size(), cells.size()); ++i) {
      row[titles[i]] = cells[i];
    }
    rows.push_back(std::move(row));
  }
}

class LabTrendsTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("HOTEXPERT_LAB_STUDY");
    const std::string from =
        folder != nullptr ? folder : HOTEXPERT_SOURCE_DIR "/reports/measured/lab";
    for (const char* run : {"aux-loss", "loss-free", "importance-load", "importance-load-3000"}) {
      read_rows(from + "/" + run + ".csv", rows_);
    }
  }

  /// A metric over the seeds of a method at a weight (0: none).
  [[nodiscard]] std::vector<double> values(const std::string& method, double weight,
                                           const std::string& metric,
                                           const std::string& steps = "1000") const {
    std::vector<double> out;
    for (const auto& row : rows_) {
      if (row.at("train.method") != method || row.at("outcome") != "ok") continue;
      if (row.at("train.steps") != steps) continue;
      const std::string& own = row.at("train.weight");
      if ((own == "none") != (weight == 0)) continue;
      if (own != "none" && std::abs(parse_double(own, "weight") / weight - 1) > 1e-9) continue;
      out.push_back(parse_double(row.at(metric), metric));
    }
    EXPECT_GE(out.size(), 5U) << method << " " << weight;
    return out;
  }
  [[nodiscard]] Interval over_seeds(const std::string& method, double weight,
                                    const std::string& metric) const {
    return mean_interval(values(method, weight, metric)).value_or(Interval{});
  }
  [[nodiscard]] double mean_of(const std::string& method, double weight,
                               const std::string& metric) const {
    return mean(values(method, weight, metric));
  }

  std::vector<Row> rows_;
};

TEST_F(LabTrendsTest, WithoutBalancingTheRouterCollapses) {
  EXPECT_GE(over_seeds("none", 0, "load.max_over_mean").low, 4.0);
}

// Max/mean under 1.3 as Shazeer et al. measure it (arXiv 1701.06538, Table 6): over batches in
// training, with the noise that the load loss balances. Each step draws tokens not seen before.
TEST_F(LabTrendsTest, ImportanceAndLoadAtATenthRestoreBalance) {
  EXPECT_LT(over_seeds("importance+load", 0.1, "train.max_vio").high, 0.3);
}

// With the noise off, as held-out tokens are routed, the same routers are less even, long training
// or not: the interval reaches beyond 1.3.
TEST_F(LabTrendsTest, WithoutItsNoiseTheSameRouterIsLessEven) {
  for (const char* steps : {"1000", "3000"}) {
    const auto held_out = values("importance+load", 0.1, "load.max_over_mean", steps);
    EXPECT_LT(mean_interval(held_out).value_or(Interval{}).high, 1.5) << steps;
    EXPECT_GT(mean(held_out), 1 + mean(values("importance+load", 0.1, "train.max_vio", steps)));
  }
}

TEST_F(LabTrendsTest, MaxVioFallsAsTheWeightRises) {
  const auto weak = over_seeds("megatron", 0.001, "train.max_vio");
  const auto middle = over_seeds("megatron", 0.01, "train.max_vio");
  const auto strong = over_seeds("megatron", 0.1, "train.max_vio");
  EXPECT_GT(weak.low, middle.high);
  EXPECT_GT(middle.low, strong.high);
}

TEST_F(LabTrendsTest, TaskLossIsUShapedOverTheWeight) {
  const auto least = over_seeds("megatron", 0.01, "train.task_loss");
  EXPECT_GT(over_seeds("megatron", 0.0001, "train.task_loss").low, least.high);
  EXPECT_GT(over_seeds("megatron", 10, "train.task_loss").low, least.high);
}

TEST_F(LabTrendsTest, ABiasIsMoreBalancedThanAnEqualAuxiliaryWeightAtNoWorseLoss) {
  EXPECT_LT(over_seeds("bias", 0.001, "train.max_vio").high,
            over_seeds("megatron", 0.001, "train.max_vio").low);
  EXPECT_LE(mean_of("bias", 0.001, "train.task_loss"),
            mean_of("megatron", 0.001, "train.task_loss"));
}

TEST_F(LabTrendsTest, TheLimitCycleGrowsWithTheStepOfTheBias) {
  Interval smaller = over_seeds("bias", 0.001, "train.bias_cycle");
  for (const double u : {0.01, 0.1}) {
    const auto larger = over_seeds("bias", u, "train.bias_cycle");
    EXPECT_GT(larger.low, smaller.high) << u;
    smaller = larger;
  }
}

TEST_F(LabTrendsTest, ASmallStepOfTheBiasTakesLongerToBalance) {
  EXPECT_GT(over_seeds("bias", 0.0001, "train.reach_step").low,
            over_seeds("bias", 0.001, "train.reach_step").high);
}

}  // namespace
}  // namespace hotexpert
