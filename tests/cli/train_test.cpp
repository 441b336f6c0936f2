#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "sim/base/json.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

/// The command, on a lab small enough for a test.
std::vector<std::string> small_lab(std::vector<std::string> args) {
  for (const char* arg :
       {"--train.experts", "8", "--train.d_model", "16", "--train.d_ff", "16", "--train.tokens",
        "256", "--train.sequence_tokens", "16", "--train.steps", "40", "--backend", "none"}) {
    args.emplace_back(arg);
  }
  return args;
}

TEST(TrainCommandTest, EveryMethodWeightAndSeedIsARow) {
  const std::string dir = fresh_folder("run");
  const auto result = run_hotexpert(
      small_lab({"train", "scenarios/aux-loss.toml", "--train.method", "none,megatron,bias",
                 "--train.weight", "0.001,0.01,0.1", "--seed", "1,2,3", "-o", dir, "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "train");
  const auto& rows = json.at("rows").as_array();
  ASSERT_EQ(rows.size(), 21U);
  std::set<std::string> points;
  for (const auto& row : rows) {
    points.insert(row.at("train.method").dump() + row.at("train.weight").dump() +
                  row.at("seed").dump());
    for (const char* metric :
         {"train.task_loss", "train.max_vio", "load.max_over_mean", "load.dead_experts",
          "train.specialization_mi", "train.grad_norm_ratio"}) {
      EXPECT_TRUE(row.at(metric).is_number()) << metric;
    }
  }
  EXPECT_EQ(points.size(), 21U);
  EXPECT_THAT(json.at("methods").dump(), HasSubstr("weight = 0.001 in alpha E sum"));

  for (const char* extension : {"html", "md", "csv"}) {
    const auto report =
        run_hotexpert({"report", dir, "-o", fresh_folder(std::string("lab.") + extension)});
    EXPECT_EQ(report.exit_code, 0) << report.err;
  }
}

/// The cell of the only row of a CSV table, under a title that begins so.
std::string cell_under(const std::string& title, const std::string& csv) {
  std::istringstream lines(csv);
  std::string titles;
  std::string cells;
  std::getline(lines, titles);
  std::getline(lines, cells);
  std::istringstream title_cells(titles);
  std::istringstream row_cells(cells);
  for (std::string name; std::getline(title_cells, name, ',');) {
    std::string cell;
    std::getline(row_cells, cell, ',');
    if (name.rfind(title, 0) == 0) return cell;
  }
  return "no column " + title;
}

TEST(TrainCommandTest, IntervalsOverSeedsBeginAtThreeSeeds) {
  for (const auto& [seeds, shown] : {std::pair{"1,2", false}, std::pair{"1,2,3", true}}) {
    const auto result =
        run_hotexpert(small_lab({"train", "scenarios/aux-loss.toml", "--train.method", "none",
                                 "--seed", seeds, "-o", fresh_folder("run"), "--csv"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(cell_under("load.max_over_mean", result.out).empty());
    EXPECT_EQ(!cell_under("± load.max_over_mean", result.out).empty(), shown) << result.out;
  }
}

TEST(TrainCommandTest, TranslatesAWeightIntoEveryConvention) {
  const auto result = run_hotexpert({"train", "--translate", "--train.method", "megatron",
                                     "--train.weight", "0.01", "--train.top_k", "2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out, "translate");
  double mixtral = 0;
  bool bias_has_none = false;
  for (const auto& row : json.at("rows").as_array()) {
    if (row.at("in").as_string() == "mixtral-hf") mixtral = row.at("is").as_double();
    if (row.at("in").as_string() == "bias") bias_has_none = row.at("is").is_null();
    EXPECT_FALSE(row.at("convention").as_string().empty());
  }
  EXPECT_DOUBLE_EQ(mixtral, 0.005) << "its f is not divided by k = 2";
  EXPECT_TRUE(bias_has_none);
  EXPECT_EQ(run_hotexpert({"train", "--translate", "--train.method", "sinkhorn"}).exit_code, 2);
}

TEST(TrainCommandTest, FailedPointsAreToldAndTheExitCodeSaysSo) {
  const auto result =
      run_hotexpert(small_lab({"train", "scenarios/aux-loss.toml", "--train.method", "none",
                               "--seed", "1", "--train.optimizer", "sgd", "--train.learning_rate",
                               "0.01,1000000", "-o", fresh_folder("run"), "--json"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("1 FAILED"));
  EXPECT_THAT(result.out, HasSubstr("training ended at step"));
}

TEST(TrainCommandTest, BadInputEndsWithOneSentence) {
  const auto unknown = run_hotexpert({"train", "scenarios/aux-loss.toml", "--train.method",
                                      "megatorn", "-o", fresh_folder("run")});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("megatron"));
  EXPECT_EQ(run_hotexpert({"train"}).exit_code, 2);
  const auto corpus = run_hotexpert({"train", "scenarios/aux-loss.toml", "--train.task", "text",
                                     "--train.corpus", "/no/such/text", "-o", fresh_folder("run")});
  EXPECT_EQ(corpus.exit_code, 3);
  EXPECT_THAT(corpus.err, HasSubstr("/no/such/text"));
}

TEST(TrainCommandTest, ATextEveryDebianHasIsLearned) {
  const std::string text = "/usr/share/common-licenses/GPL-3";
  if (!std::filesystem::exists(text)) GTEST_SKIP() << text << " is not on this machine";
  const auto result = run_hotexpert(
      small_lab({"train", "scenarios/aux-loss.toml", "--train.task", "text", "--train.corpus", text,
                 "--train.method", "megatron", "--train.weight", "0.01", "--seed", "1", "-o",
                 fresh_folder("run"), "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json row = Json::parse(result.out, "train").at("rows").as_array().at(0);
  EXPECT_LT(row.at("train.task_loss").as_double(), 5.0) << "below ln 256 = 5.55";
}

TEST(TrainCommandTest, ShippedLabScenariosAreValid) {
  for (const char* scenario : {"aux-loss", "loss-free", "collapse"}) {
    const auto result = run_hotexpert(small_lab(
        {"train", std::string("scenarios/") + scenario + ".toml", "--train.method", "bias",
         "--train.weight", "0.01", "--seed", "1", "--train.router_init_std", "0.02",
         "--train.data_skew", "1", "--train.data_noise", "1", "-o", fresh_folder(scenario)}));
    EXPECT_EQ(result.exit_code, 0) << scenario << result.err;
  }
}

}  // namespace
}  // namespace hotexpert
