#include "scenarios/runner/scenario_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

class ScenarioFileTest : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    const auto path = std::filesystem::temp_directory_path() /
                      (std::string("hotexpert_") +
                       testing::UnitTest::GetInstance()->current_test_info()->name() + ".toml");
    std::ofstream(path) << text;
    return path.string();
  }

  std::string error_of(const std::string& text) {
    try {
      (void)read_scenario(write(text));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(ScenarioFileTest, ReadsTablesListsAndTexts) {
  const auto scenario = read_scenario(
      write("title = \"T\"\nkernel = [\"padded\", \"grouped\"]\n[step]\ntokens = \"2^4:2^6\"\n"
            "[capacity]\nfactor = [\"none\", 1.1]\n"));
  EXPECT_EQ(scenario.title, "T");
  EXPECT_EQ(scenario.point_count(kSweepScopes), 2 * 3 * 2);
  EXPECT_EQ(scenario.resolved(kSweepScopes).at("capacity.factor").dump(), R"(["none",1.1])");
}

TEST_F(ScenarioFileTest, ErrorsNameLineColumnKeyAndRemedy) {
  EXPECT_NE(error_of("[layer]\ntop_k = \"two\"\n")
                .find(".toml:2:9: layer.top_k: 'two' is not a whole number"),
            std::string::npos);
  EXPECT_NE(error_of("[skew]\nmodle = \"zipf\"\n").find("did you mean 'skew.model'?"),
            std::string::npos);
  EXPECT_NE(error_of("kernel = [\n").find(".toml:"), std::string::npos);
  EXPECT_NE(error_of("kernel = []\n").find("an empty list"), std::string::npos);
  EXPECT_NE(error_of("kernel = true\n").find("kernel: expected a number, a text or a list"),
            std::string::npos);
  EXPECT_NE(error_of("[step]\ntokens = 0\n").find("0 is below 1"), std::string::npos);
}

TEST_F(ScenarioFileTest, AMissingFileOrAFolderIsAUsageError) {
  EXPECT_THROW((void)read_scenario("/nowhere/x.toml"), UsageError);
  EXPECT_THROW((void)read_scenario("/"), UsageError);
}

TEST_F(ScenarioFileTest, AShippedScenarioIsFoundByNameFromAnyFolderAndItsListIsTold) {
  const auto home = std::filesystem::current_path();
  const auto data = std::filesystem::temp_directory_path() / "hotexpert_scenario_file_data";
  std::filesystem::create_directories(data / "scenarios");
  std::ofstream(data / "scenarios" / "mine.toml") << "kernel = \"grouped\"\n";
  setenv("HOTEXPERT_DATA", data.c_str(), 1);
  std::filesystem::current_path("/");
  for (const char* name : {"mine", "mine.toml", "scenarios/mine.toml"})
    EXPECT_EQ(read_scenario(name).title, "mine") << name;
  EXPECT_THROW((void)read_scenario("elsewhere/mine.toml"), UsageError) << "a path means itself";
  try {
    (void)read_scenario("mein");
    FAIL() << "not refused";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("mine"), std::string::npos) << error.what();
  }
  std::filesystem::current_path(home);
  setenv("HOTEXPERT_DATA", (data / "absent").c_str(), 1);
  EXPECT_THROW((void)read_scenario("mine"), UsageError) << "a folder that is not there";
  unsetenv("HOTEXPERT_DATA");
}

}  // namespace
}  // namespace hotexpert
