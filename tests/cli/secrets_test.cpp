#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/program.hpp"
#include "tests/support/small_lab.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

constexpr const char* kSecret = "planted-7f3a91";

/// Variables that hold secrets, names of people and machines, and a known one with a path in it.
const std::vector<std::string> kEnvironment = {std::string("AWS_SECRET_ACCESS_KEY=") + kSecret,
                                               std::string("GITHUB_TOKEN=") + kSecret,
                                               std::string("USER=") + kSecret,
                                               std::string("HOSTNAME=") + kSecret,
                                               std::string("HOME=/home/") + kSecret,
                                               std::string("OMP_PLACES=/") + kSecret,
                                               std::string("SLURM_JOB_NAME=") + kSecret};

/// Runs a command with the secrets around it; nothing it prints may hold one.
void run(const std::vector<std::string>& args) {
  const auto result = run_hotexpert(args, kEnvironment);
  EXPECT_EQ(result.exit_code, 0) << args[0] << ": " << result.err;
  EXPECT_EQ(result.out.find(kSecret), std::string::npos) << args[0];
  // OpenMP itself complains of OMP_PLACES on stderr, which is no file of ours.
}

TEST(SecretsTest, NoFileHoldsWhatTheEnvironmentHolds) {
  const std::string folder = fresh_folder("secrets");
  fs::create_directories(folder);
  const std::vector<std::string> small = {"--layer.experts", "4",  "--layer.d_model", "16",
                                          "--layer.d_ff",    "16", "--step.tokens",   "64"};
  auto profile =
      std::vector<std::string>{"profile", "scenarios/profile.toml", "--point", "0",
                               "--trace", folder + "/trace.json",   "-o",      folder + "/profile"};
  profile.insert(profile.end(), small.begin(), small.end());
  run(profile);
  run({"sweep", "scenarios/profile.toml", "--backend", "none", "-o", folder + "/sweep"});
  run(testing_support::train_small_lab(
      {"--train.method", "none", "--backend", "none", "--save-traces", "-o", folder + "/lab"}));
  run({"doctor", "--json"});
  for (const char* format : {"html", "md", "csv", "json"})
    run({"report", folder + "/profile", folder + "/lab", "-o", folder + "/report." + format});
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(bytes.find(kSecret), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 11);
}

}  // namespace
}  // namespace hotexpert
