#include "tests/support/strange_names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "reports/npy.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using test_support::small_manifest;
using test_support::small_point;
using test_support::TemporaryFolder;

/// Writes without waiting for a disk.
class FastFiles : public FileOps {
 public:
  int fsync(int) override { return 0; }
};

TEST(StrangeNamesTest, TwoThousandStrangeMetricNamesStayInTheRunFolder) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("inner/run");
  auto names = testing_support::strange_names(2000);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  auto point = small_point(1, "padded");
  for (const auto& name : names) {
    point.series.push_back({name, "count", Provenance::kCounted, {"expert"}, {4097}, {}, ""});
    point.series.back().values.assign(4097, static_cast<double>(point.series.size()));
  }
  FastFiles files;
  RunWriter::create(dir, small_manifest(), files).append(point);
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir + "/artifacts/1")) {
    ASSERT_TRUE(entry.is_regular_file()) << entry.path();
    ++found;
  }
  EXPECT_EQ(found, names.size()) << "each in a file of its own";
  for (const auto& [where, count] :
       {std::pair{"", 1}, {"inner", 1}, {"inner/run", 4}, {"inner/run/artifacts", 1}}) {
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path(where)), {}), count)
        << where;
  }
}

TEST(StrangeNamesTest, TwoThousandStrangeFileNamesInAForeignRunReadNothingOutsideIt) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("run");
  RunWriter::create(dir, small_manifest()).append(small_point(1, "padded"));
  const std::vector<std::int64_t> shape = {3};
  const std::vector<double> secret = {1, 2, 3};
  std::ofstream(folder.path("secret.npy"), std::ios::binary) << npy_bytes(shape, secret);
  std::filesystem::create_directory(dir + "/artifacts");
  std::filesystem::create_symlink(folder.path("secret.npy"), dir + "/artifacts/link.npy");
  std::filesystem::create_directory_symlink(folder.path(""), dir + "/artifacts/up");
  auto names = testing_support::strange_names(2000);
  for (const auto& name : testing_support::strange_names(2000))
    names.push_back("artifacts/" + name + "/../../../secret.npy");
  for (const char* name : {"artifacts/link.npy", "artifacts/up/secret.npy", "../secret.npy"})
    names.emplace_back(name);
  for (const auto& name : names) {
    if (name.empty()) continue;
    const Series series{"m", "", Provenance::kCounted, {"expert"}, {3}, {}, name};
    EXPECT_THROW((void)series_values(dir, series), InputError) << name;
  }
}

}  // namespace
}  // namespace hotexpert
