#include "tests/reports/fake_run.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <stdexcept>

namespace hotexpert::test_support {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hotexpert-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  root_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

Json small_manifest() {
  return Json::parse(
      R"({"schema":"hotexpert-run/1","title":"small","created":"2026-01-31T12:00:00Z",
    "program":{"name":"hotexpert","version":"0.1.0"},"seed":1,
    "scenario":{"skew.target":["max_over_mean=1","max_over_mean=2"],"kernel":["padded","grouped"],"layer.experts":[8]},
    "axes":[{"name":"skew.target","label":"skew","unit":""},{"name":"kernel","label":"kernel","unit":""}],
    "environment":{"cpu":"Some CPU","threads":2}})",
      "small manifest");
}

PointResult small_point(double skew, const std::string& kernel) {
  PointResult result;
  result.point = {{"skew.target", Json("max_over_mean=" + shortest(skew))},
                  {"kernel", Json(kernel)}};
  result.measurements.push_back({"load.max_over_mean", skew, Provenance::kCounted, {}, {}, {}});
  result.measurements.push_back({"layer.total_s",
                                 0.01 * skew,
                                 Provenance::kMeasured,
                                 {0.0099 * skew, 0.01 * skew, 0.0101 * skew},
                                 Interval{0.0099 * skew, 0.0101 * skew},
                                 {}});
  return result;
}

}  // namespace hotexpert::test_support
