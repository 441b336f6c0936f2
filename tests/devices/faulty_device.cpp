#include "tests/devices/faulty_device.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "reports/run_store.hpp"

namespace hotexpert::test {
namespace {

std::string scenario() {
  static const std::string path = [] {
    const std::string file = testing_support::fresh_folder("small.toml");
    std::ofstream(file) << "title = \"small\"\nbackend = \"cuda\"\nkernel = \"grouped-plain\"\n"
                           "[layer]\nexperts = 4\ntop_k = 2\nd_model = 16\nd_ff = 24\n"
                           "dtype = \"fp32\"\n[step]\ntokens = [8, 12, 16]\ncount = 3\n"
                           "[measure]\nbudget_s = 0.02\nsamples = 6\n";
    return file;
  }();
  return path;
}

}  // namespace

testing_support::ProgramResult run_on_fake(const std::vector<std::string>& args,
                                           const std::string& faults) {
  std::vector<std::string> all = {HOTEXPERT_BINARY_DIR "/hotexpert_on_fake_device"};
  all.insert(all.end(), args.begin(), args.end());
  return testing_support::run_program(all, {"HOTEXPERT_FAKE_CUDA=" + faults, "OMP_NUM_THREADS=1"});
}

std::vector<std::string> small_sweep(const std::string& run_dir,
                                     const std::vector<std::string>& more) {
  std::vector<std::string> args = {"sweep", scenario(), "--jobs", "1", "-o", run_dir};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

std::vector<SeenPoint> seen_points(const std::string& run_dir) {
  std::vector<SeenPoint> seen;
  if (!std::filesystem::exists(run_dir + "/points.jsonl")) return seen;
  for (const auto& point : read_run(run_dir).points)
    seen.push_back({point.outcome == Outcome::kOk        ? "ok"
                    : point.outcome == Outcome::kSkipped ? "skipped"
                                                         : "failed",
                    point.reason, point.find("layer.total_s") != nullptr, point.warnings});
  return seen;
}

std::string outcomes(const std::vector<SeenPoint>& points) {
  std::string text;
  for (const auto& point : points) text += (text.empty() ? "" : " ") + point.outcome;
  return text;
}

std::string last_word(const testing_support::ProgramResult& result) {
  std::istringstream lines(result.err);
  std::string word;
  int words = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("hotexpert: ", 0) != 0) continue;
    word = line;
    ++words;
  }
  EXPECT_EQ(words, 1) << result.err;
  EXPECT_EQ(word.find("bug"), std::string::npos) << word;
  return word;
}

}  // namespace hotexpert::test
