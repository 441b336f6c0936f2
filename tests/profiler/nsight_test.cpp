#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "profiler/nsight_commands.hpp"
#include "profiler/nsight_import.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(NsightCommandTest, NsysCapturesOnePass) {
  const auto made = nsys_command({"hotexpert", "skew.toml", "3", RangeName::kExpert, "out"});
  EXPECT_EQ(made.command,
            "nsys profile --trace=cuda,nvtx,osrt --capture-range=cudaProfilerApi "
            "--capture-range-end=stop --force-overwrite=true --output=out hotexpert profile "
            "skew.toml --point 3 --profile-once");
  EXPECT_THAT(made.advice, HasSubstr("range `expert`"));
}

TEST(NsightCommandTest, NcuFiltersTheRangeAndLeavesTheClockAlone) {
  const auto made = ncu_command({"hotexpert", "my skew.toml", "3", RangeName::kCombine, "out"});
  EXPECT_THAT(made.command, StartsWith("ncu --nvtx --nvtx-include hotexpert@combine/ "
                                       "--clock-control none "));
  EXPECT_THAT(made.command, HasSubstr("profile 'my skew.toml' --point 3 --profile-once"));
  EXPECT_THAT(made.advice, HasSubstr("DRAM throughput"));
}

TEST(NsightCommandTest, WordsSurviveTheShell) {
  for (const std::string text : {"plain", "two words", "it's", "$(x) `y` \"z\" \\", "", "*;&|"}) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
        popen(("printf '%s' " + shell_word(text)).c_str(), "r"), pclose);
    std::string echoed;
    for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get()))
      echoed += static_cast<char>(c);
    EXPECT_EQ(echoed, text);
  }
}

TEST(NcuCsvTest, ReadsTheLongForm) {
  const auto values = read_ncu_csv(
      "==PROF== Connected to process 1\n"
      "\"ID\",\"Process ID\",\"Kernel Name\",\"Section Name\",\"Metric Name\",\"Metric "
      "Unit\",\"Metric Value\"\r\n"
      "\"0\",\"1\",\"gemm<float, 4>(int)\",\"Speed Of Light\",\"Duration\",\"us\",\"1,234.5\"\r\n"
      "\"0\",\"1\",\"say \"\"hi\"\"\",\"Launch\",\"Cache\",\"\",\"PreferNone\"\n"
      "\"1\",\"1\",\"combine\",\"Speed Of Light\",\"DRAM\",\"%\",\"91.25\"\n",
      "report.csv");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].kernel, "gemm<float, 4>(int)");
  EXPECT_EQ(values[0].value, 1234.5);
  EXPECT_EQ(values[1].kernel_id, 1);
  EXPECT_EQ(values[1].metric, "DRAM");
  EXPECT_EQ(values[1].unit, "%");
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "(no error)";
}

TEST(NcuCsvTest, NamesTheBadLine) {
  const std::string header =
      "\"ID\",\"Kernel Name\",\"Section Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n";
  EXPECT_EQ(message_of([&] { read_ncu_csv(header + "\"0\",\"k\",\"s\"\n", "r.csv"); }),
            "r.csv:2: 3 fields, the header has 6 (is the file cut off?)");
  EXPECT_THAT(message_of([&] { read_ncu_csv("\"a\",\"b\"\n1,2\n", "r.csv"); }),
              HasSubstr("no header with the columns ID, Kernel Name"));
  EXPECT_THAT(message_of([&] { read_ncu_csv("", "r.csv"); }), HasSubstr("no header"));
  EXPECT_THAT(message_of([&] { read_ncu_csv(header + "x,k,s,m,u,1\n", "r.csv"); }),
              HasSubstr("r.csv:2: ID 'x' is not a number"));
}

/// An export with the tables and columns that Nsight Systems writes.
class NsysExport {
 public:
  NsysExport() : path_(fs::temp_directory_path() / ("hotexpert-nsys-" + std::to_string(getpid()))) {
    fs::remove(path_);
    run("CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value TEXT);"
        "CREATE TABLE NVTX_EVENTS (start INT, end INT, eventType INT, text TEXT, textId INT, "
        "globalTid INT, domainId INT);");
  }
  ~NsysExport() { fs::remove(path_); }
  NsysExport(const NsysExport&) = delete;
  NsysExport& operator=(const NsysExport&) = delete;

  void run(const std::string& statements) const {
    sqlite3* database = nullptr;
    sqlite3_open(path_.c_str(), &database);
    const int result = sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(database);
    if (result != SQLITE_OK) throw std::logic_error("bad SQL in a test");
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr const char* kReport =
    "INSERT INTO StringIds VALUES (1,'layer'),(2,'expert'),(3,'gemm'),(4,'copy'),(5,'permute');"
    "INSERT INTO NVTX_EVENTS VALUES "
    "(0, NULL, 75, 'hotexpert', NULL, 16777217, 1), (0, NULL, 75, 'other', NULL, 16777217, 2),"
    "(100, 900, 59, NULL, 1, 16777217, 1), (110, 200, 59, NULL, 5, 16777217, 1),"
    "(300, 800, 59, 'expert', NULL, 16777217, 1), (310, 790, 59, 'noise', NULL, 16777217, 2),"
    "(1000, 1900, 59, NULL, 1, 16777217, 1), (1100, 1800, 59, NULL, 2, 16777217, 1),"
    "(0, 5000, 59, 'expert', NULL, 16777218, 1);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INT, end INT, globalTid INT, correlationId "
    "INT);"
    "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES "
    "(150,160,16777217,1), (400,410,16777217,2), (1200,1210,16777217,3), (3000,3010,16777217,4),"
    "(400,410,33554433,1);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT, end INT, correlationId INT, globalPid "
    "INT, demangledName INT);"
    "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES "
    "(2000,2010,1,16777216,4), (2100,2600,2,16777216,3), (2700,3400,3,16777216,3),"
    "(3500,3505,4,16777216,4);";

TEST(NsysSqliteTest, JoinsKernelsToTheRangesTheyWereLaunchedIn) {
  const NsysExport report;
  report.run(kReport);
  const auto kernels = read_nsys_sqlite(report.path());
  std::vector<std::string> places;
  for (const auto& kernel : kernels)
    places.push_back(kernel.name + " " + kernel.path + " " + std::to_string(kernel.layer_index));
  EXPECT_THAT(places, ElementsAre("copy layer/permute 0", "gemm layer/expert 0",
                                  "gemm layer/expert 1", "copy  -1"));
  const auto times = stage_times(kernels);
  ASSERT_EQ(times.size(), 3U);
  EXPECT_EQ(times[0].stage, "expert");
  EXPECT_NEAR(times[0].seconds, 1200e-9, 1e-15);
  EXPECT_EQ(times[0].kernels, 2);
}

TEST(NsysSqliteTest, AReportWithoutKernelsIsEmpty) {
  const NsysExport report;
  report.run("INSERT INTO NVTX_EVENTS VALUES (0, NULL, 75, 'hotexpert', NULL, 1, 1);");
  EXPECT_THAT(read_nsys_sqlite(report.path()), IsEmpty());
}

TEST(NsysSqliteTest, SaysWhatIsWrong) {
  const NsysExport report;
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(report.path()); }),
              HasSubstr("has no NVTX domain `hotexpert`"));
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(report.path().string() + ".absent"); }),
              HasSubstr("cannot be opened"));
  std::ofstream(report.path()) << "this is text, long enough to be no database at all............";
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(report.path()); }),
              HasSubstr("is not an export of Nsight Systems"));
}

}  // namespace
}  // namespace hotexpert
