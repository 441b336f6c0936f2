#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "tests/fuzz/support/input_file.hpp"

namespace {

/// A run folder of its own for this process, with a sound manifest.
std::string run_folder() {
  const std::string folder = "/dev/shm/hotexpert-fuzz-" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/manifest.json") << R"({"schema":"hotexpert-run/1","title":"fuzz",
    "created":"2026-01-31T12:00:00Z","program":{},"seed":1,"scenario":{},"axes":[],
    "environment":{}})";
  return folder;
}

}  // namespace

/// Any points.jsonl is read: damaged lines are left out with a warning, series are checked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotexpert;  // NOLINT: one function
  static const std::string folder = run_folder();
  std::ofstream(folder + "/points.jsonl", std::ios::binary) << fuzz::text_of(data, size);
  try {
    const Run run = read_run(folder);
    for (const auto& point : run.points) {
      (void)point_key(point.point);
      for (const auto& series : point.series) (void)series_values(folder, series);
    }
  } catch (const Error&) {
  }
  return 0;
}
