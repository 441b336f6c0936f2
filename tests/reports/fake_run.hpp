#pragma once

#include <filesystem>
#include <string>

#include "reports/run_store.hpp"

namespace hotexpert::test_support {

/// A folder that is removed when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return root_ / name; }

 private:
  std::filesystem::path root_;
};

/// A manifest with two axes (skew.target, kernel).
Json small_manifest();

/// A finished point of small_manifest().
PointResult small_point(double skew, const std::string& kernel);

}  // namespace hotexpert::test_support
