#include "tests/crash/tiny_sweep.hpp"

#include <gtest/gtest.h>

#include "tests/crash/faulty_program.hpp"

namespace hotexpert::testing_support {
namespace {

std::string scenario() {
  static const std::string path = [] {
    const std::string file = fresh_folder("tiny.toml");
    write_text(file,
               "title = \"tiny\"\nbackend = \"none\"\n[layer]\nexperts = 64\ntop_k = 2\n"
               "[step]\ntokens = 32\ncount = 80\n[skew]\nmodel = \"zipf:exponent=1.2\"\n"
               "[capacity]\nfactor = [\"none\", 1.0, 1.25]\n");
    return file;
  }();
  return path;
}

}  // namespace

std::vector<std::string> tiny_sweep(const std::string& run_dir) {
  return {"sweep", scenario(), "--jobs", "1", "-o", run_dir};
}

std::vector<std::string> tiny_resume(const std::string& run_dir) {
  auto args = tiny_sweep(run_dir);
  args.emplace_back("--resume");
  return args;
}

RunFiles run_files(const std::string& run_dir) {
  RunFiles files;
  for (const auto& [name, bytes] : files_below(run_dir)) {
    files.names.push_back(name);
    if (name == "points.jsonl") files.points = bytes;
    if (name.rfind("artifacts/", 0) == 0) files.artifacts += bytes;
  }
  return files;
}

const RunFiles& undisturbed() {
  static const RunFiles files = [] {
    const std::string dir = fresh_folder("undisturbed");
    const auto result = run_hotexpert(tiny_sweep(dir));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return run_files(dir);
  }();
  return files;
}

void expect_undisturbed(const std::string& run_dir, const std::string& what) {
  const RunFiles found = run_files(run_dir);
  EXPECT_EQ(found.names, undisturbed().names) << what;
  EXPECT_TRUE(found.points == undisturbed().points) << what << ": other points";
  EXPECT_TRUE(found.artifacts == undisturbed().artifacts) << what << ": other artifacts";
}

}  // namespace hotexpert::testing_support
