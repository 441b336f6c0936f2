#include "profiler/annotate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "profiler/build_info.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;

constexpr const char* kEmitter = HOTEXPERT_BINARY_DIR "/nvtx_emitter";
constexpr const char* kRecorder = HOTEXPERT_BINARY_DIR "/libnvtx_recorder.so";

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get()))
    text += static_cast<char>(c);
  return text;
}

TEST(AnnotateTest, NamesEveryRange) {
  EXPECT_EQ(name(RangeName::kSweep), "sweep");
  EXPECT_EQ(name(RangeName::kAllToAll), "all_to_all");
}

TEST(AnnotateTest, EmitsNothingWhenNoToolListens) {
  EXPECT_EQ(output_of(std::string("env -u NVTX_INJECTION64_PATH ") + kEmitter), "not wanted\n");
}

TEST(AnnotateTest, EmitsNestedRangesWithPayloadsToAListeningTool) {
  if (!build_info().nvtx) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  const auto record =
      std::filesystem::temp_directory_path() / ("hotexpert-nvtx-" + std::to_string(getpid()));
  const auto said = output_of("NVTX_INJECTION64_PATH=" + std::string(kRecorder) +
                              " HOTEXPERT_NVTX_RECORD=" + record.string() + " " + kEmitter);
  EXPECT_EQ(said, "wanted\n");
  std::vector<std::string> lines;
  std::ifstream file(record);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::filesystem::remove(record);
  EXPECT_THAT(
      lines, ElementsAre("schema hotexpert.layer 88 bytes", "push hotexpert/sweep",
                         "push hotexpert/point", "push hotexpert/step",
                         "push hotexpert/layer layer=7 tokens=4096 active_experts=113 max_load=911 "
                         "capacity_factor=1.25 kernel=grouped-sm90:order=hot-first",
                         "push hotexpert/expert", "pop hotexpert", "pop hotexpert",
                         "push hotexpert/layer layer=8 tokens=256 active_experts=128 max_load=16 "
                         "capacity_factor=0 kernel=a-kernel-name-of-more-than-forty-seven-bytes-is",
                         "push hotexpert/all_to_all", "pop hotexpert", "pop hotexpert",
                         "pop hotexpert", "pop hotexpert", "pop hotexpert"));
}

}  // namespace
}  // namespace hotexpert
