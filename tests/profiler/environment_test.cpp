#include "profiler/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "profiler/host_facts.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A folder that looks like a machine's /proc, /sys and /etc.
class FakeSystem {
 public:
  FakeSystem() : root_(fs::temp_directory_path() / ("hotexpert-env-" + std::to_string(getpid()))) {}
  ~FakeSystem() { fs::remove_all(root_); }
  FakeSystem(const FakeSystem&) = delete;
  FakeSystem& operator=(const FakeSystem&) = delete;

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

constexpr const char* kCpuinfo =
    "processor\t: 0\nmodel name\t: Example 9000 CPU\nphysical id\t: 0\ncore id\t\t: 0\n"
    "flags\t\t: fpu avx2 fma avx512_bf16 secret_flag\n\n"
    "processor\t: 1\nmodel name\t: Example 9000 CPU\nphysical id\t: 0\ncore id\t\t: 0\n"
    "flags\t\t: fpu avx2\n\n"
    "processor\t: 2\nmodel name\t: Example 9000 CPU\nphysical id\t: 0\ncore id\t\t: 1\n";

TEST(EnvironmentTest, ReadsTheProcessor) {
  FakeSystem system;
  system.write("proc/cpuinfo", kCpuinfo);
  system.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  system.write("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
  system.write("sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n");
  system.write("sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n");
  system.write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  const auto facts = environment_record(system.root()).at("processor");
  EXPECT_EQ(facts.at("model").as_string(), "Example 9000 CPU");
  EXPECT_EQ(facts.at("cores").as_integer(), 2);
  EXPECT_EQ(facts.at("governor").as_string(), "powersave");
  EXPECT_EQ(facts.at("processor_quota").as_double(), 1.5);
  EXPECT_EQ(facts.at("instruction_sets").dump(), R"(["avx2","fma","avx512_bf16"])");
  EXPECT_EQ(facts.at("caches").dump(), R"([{"level":1,"type":"Data","size":"32K"}])");
}

TEST(EnvironmentTest, ReadsMemorySystemAndLoad) {
  FakeSystem system;
  system.write("proc/meminfo", "MemTotal:       16 kB\nMemFree: 1 kB\nMemAvailable:   8 kB\n");
  system.write("proc/sys/kernel/osrelease", "6.1.0-1-amd64\n");
  system.write("etc/os-release", "NAME=\"Example\"\nPRETTY_NAME=\"Example 12\"\n");
  system.write("proc/loadavg", "1.25 0.50 0.25 1/100 4242\n");
  const auto record = environment_record(system.root());
  EXPECT_EQ(record.at("memory").dump(), R"({"total_bytes":16384,"available_bytes":8192})");
  EXPECT_EQ(record.at("system").dump(), R"({"name":"Example 12","kernel":"6.1.0-1-amd64"})");
  EXPECT_EQ(machine_load(record).load_average, 1.25);
  EXPECT_GE(machine_load(record).processors, 1);
}

TEST(EnvironmentTest, ReadsDriverAndDevicesButNoSerialNumbers) {
  FakeSystem system;
  system.write("proc/driver/nvidia/version", "NVRM version: Example 580.1\nGCC version: x\n");
  system.write("proc/driver/nvidia/gpus/0000:01:00.0/information",
               "Model: \t\t Example GPU\nGPU UUID: \t GPU-1234-secret\n");
  const auto gpu = environment_record(system.root()).at("cuda").at("gpu");
  EXPECT_EQ(gpu.dump(), R"({"driver":"NVRM version: Example 580.1","devices":["Example GPU"]})");
}

TEST(EnvironmentTest, SaysWhyAFactIsAbsent) {
  FakeSystem empty;
  const auto record = environment_record(empty.root());
  EXPECT_EQ(record.at("cuda").at("gpu").at("absent").as_string(), "no NVIDIA driver is loaded");
  EXPECT_THAT(record.at("processor").at("governor").at("absent").as_string(),
              HasSubstr("no frequency governor"));
  EXPECT_EQ(machine_load(record).load_average, 0);
}

TEST(EnvironmentTest, HoldsOnlyTheAllowedGroups) {
  std::set<std::string> groups;
  const auto record = environment_record();
  for (const auto& [name, value] : record.as_object()) groups.insert(name);
  EXPECT_EQ(groups, (std::set<std::string>{"processor", "memory", "system", "load_average", "build",
                                           "onednn", "openmp", "cuda", "tools"}));
}

TEST(EnvironmentTest, TellsNoUserHostPathOrSecret) {
  setenv("HOTEXPERT_TEST_TOKEN", "token-value", 1);
  setenv("OMP_PLACES", "/home/somebody/places", 1);
  const auto text = environment_record().dump();
  unsetenv("OMP_PLACES");
  unsetenv("HOTEXPERT_TEST_TOKEN");
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  EXPECT_THAT(text, Not(HasSubstr("token-value")));
  EXPECT_THAT(text, Not(HasSubstr("somebody")));
  EXPECT_THAT(text, Not(HasSubstr(HOTEXPERT_SOURCE_DIR)));
  EXPECT_THAT(text, Not(HasSubstr(HOTEXPERT_BINARY_DIR)));
  if (std::string(host).size() > 3) {
    EXPECT_THAT(text, Not(HasSubstr(host)));
  }
  // The only slashes are in sentences that name a kernel file.
  EXPECT_THAT(text, Not(HasSubstr("/home")));
}

}  // namespace
}  // namespace hotexpert
