#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

bool is_command(const std::string& line) {
  return line.rfind("hotexpert ", 0) == 0 || line.rfind("scenarios/gate ", 0) == 0 ||
         line.rfind("cc ", 0) == 0;
}

/// Flags that keep what a documented command shows and make it small: what kernels do and how well
/// routers learn is tested elsewhere.
std::string small_flags(const std::string& command) {
  const bool sweeps =
      command.rfind("hotexpert sweep", 0) == 0 || command.rfind("scenarios/gate", 0) == 0;
  if (sweeps && command.find("--backend") == std::string::npos)
    return std::string(command.find("--kernel plugin:") == std::string::npos ? " --kernel grouped"
                                                                             : "") +
           (command.find("--skew.target") == std::string::npos ? " --skew.target none" : "") +
           " --backend cpu --threads 1 --capacity.factor none --layer.d_model 32 --layer.d_ff 32 "
           "--measure.budget_s 0.01";
  if (command.rfind("hotexpert train scenarios/", 0) == 0)
    return " --backend none --seed 1 --train.method none,megatron --train.weight 0.01 "
           "--train.steps 10";
  if (command.rfind("hotexpert profile scenarios/", 0) == 0)
    return " --threads 1 --layer.d_model 32 --layer.d_ff 32 --step.tokens 128 --steps 6"
           " --measure.budget_s 0.01";
  return "";
}

/// Lines that begin with "hotexpert ", "scenarios/gate " or "cc " inside the ```sh blocks of a
/// Markdown file, comments cut off.
std::vector<std::string> documented_commands(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> commands;
  bool in_shell = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("```", 0) == 0) in_shell = line == "```sh";
    if (!in_shell || !is_command(line)) continue;
    commands.push_back(line.substr(0, line.find("  #")));
  }
  return commands;
}

std::vector<fs::path> documents() {
  std::vector<fs::path> files;
  for (const char* name :
       {"README.md", "sim/README.md", "scenarios/README.md", "scenarios/record/README.md"}) {
    const fs::path path = fs::path(HOTEXPERT_SOURCE_DIR) / name;
    if (fs::exists(path)) files.push_back(path);
  }
  return files;
}

/// Every command of a document runs, in the document's order, in one folder that holds the shipped
/// scenarios. Sweeps only count (--backend none): what kernels do is tested elsewhere.
TEST(DocsTest, EveryCommandInTheDocsRuns) {
  int run = 0;
  for (const auto& document : documents()) {
    const std::string folder =
        testing_support::fresh_folder(document.parent_path().filename().string());
    fs::create_directories(folder);
    for (const char* shipped : {"scenarios", "kernels"}) {
      fs::create_directory_symlink(fs::path(HOTEXPERT_SOURCE_DIR) / shipped,
                                   folder + "/" + shipped);
    }
    for (const char* side : {"base", "new"}) {
      fs::create_directories(folder + "/" + side);
      fs::create_symlink(fs::path(HOTEXPERT_BINARY_DIR) / "hotexpert",
                         folder + "/" + side + "/hotexpert");
    }
    for (auto command : documented_commands(document)) {
      command += small_flags(command);
      const auto result =
          testing_support::run_program({"/bin/sh", "-c",
                                        "cd '" + folder + "' && export FAIL_ON=1000000% PATH='" +
                                            HOTEXPERT_BINARY_DIR + "':$PATH && " + command});
      EXPECT_EQ(result.exit_code, 0) << document << ": " << command << "\n" << result.err;
      ++run;
    }
  }
  EXPECT_GE(run, 6);
}

/// The scenario shown in README.md is a valid one.
TEST(DocsTest, TheExplainedScenarioIsValid) {
  std::ifstream in(fs::path(HOTEXPERT_SOURCE_DIR) / "README.md");
  const std::string folder = testing_support::fresh_folder("scenario");
  fs::create_directories(folder);
  std::ofstream out(folder + "/shown.toml");
  bool in_toml = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("```", 0) == 0) {
      in_toml = line == "```toml";
    } else if (in_toml) {
      out << line << "\n";
    }
  }
  out.close();
  EXPECT_GT(fs::file_size(folder + "/shown.toml"), 200U);
  const auto result =
      testing_support::run_hotexpert({"plan", folder + "/shown.toml", "--step.count", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

}  // namespace
}  // namespace hotexpert
