#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "profiler/nsight_commands.hpp"
#include "profiler/nsight_counters.hpp"
#include "profiler/nsight_import.hpp"
#include "profiler/nsight_join.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(NsightCommandTest, NsysCapturesOnePass) {
  const auto made = nsys_command(
      {"hotexpert", "skew.toml", "3", {"--kernel", "loop"}, RangeName::kExpert, "out"});
  EXPECT_EQ(made.command,
            "nsys profile --trace=cuda,nvtx,osrt --capture-range=cudaProfilerApi "
            "--capture-range-end=stop --force-overwrite=true --output=out hotexpert profile "
            "skew.toml --point 3 --kernel loop --profile-once");
  EXPECT_THAT(made.advice, HasSubstr("range `expert`"));
}

TEST(NsightCommandTest, NcuFiltersTheRangeAndLeavesTheClockAlone) {
  const auto made = ncu_command({"hotexpert", "my skew.toml", "3", {}, RangeName::kCombine, "out"});
  EXPECT_THAT(made.command,
              StartsWith("ncu --profile-from-start off --nvtx --nvtx-include hotexpert@combine/ "
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

TEST(NcuCsvTest, KnowsTheRangeOfAKernelWhenRangesWereCollected) {
  const auto values = read_ncu_csv(
      "\"ID\",\"Kernel Name\",\"thread "
      "Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg\",\"Section "
      "Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\",\"Rule Description\"\n"
      "\"0\",\"gemm\",\"7  \"\"hotexpert:layer:none:none:none:none:none:none\"\"  "
      "\"\"hotexpert:expert:none:none:none:none:none:none\"\" \",\"GPU Speed Of Light "
      "Throughput\",\"Duration\",\"us\",\"12.5\",\"two\nlines\"\n"
      "\"1\",\"copy\",\"\",\"GPU Speed Of Light Throughput\",\"Duration\",\"us\",\"1\",\"\"\n",
      "r.csv");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].stage, "expert");
  EXPECT_EQ(values[1].stage, "");
}

TEST(NcuCsvTest, ReadsTheRawPageWithItsUnits) {
  const std::string page =
      "\"ID\",\"Process ID\",\"Kernel "
      "Name\",\"dram__bytes.sum\",\"gpu__time_duration.sum\",\"sm__cc\"\n"
      "\"\",\"\",\"\",\"Mbyte\",\"us\",\"\"\n"
      "\"0\",\"42\",\"gemm\",\"1,024.5\",\"88.1\",\"n/a\"\n";
  const auto values = read_ncu_csv(page, "raw.csv");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].metric, "dram__bytes.sum");
  EXPECT_EQ(values[0].unit, "Mbyte");
  EXPECT_EQ(values[0].value, 1024.5);
  EXPECT_THAT(message_of([&] { read_ncu_csv(page + "\"1\",\"42\"\n", "raw.csv"); }),
              HasSubstr("raw.csv:4: 2 fields, the header has 6"));
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
  const auto kernels = read_nsys_sqlite(report.path()).kernels;
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

/// A blob as the export holds it: domain, schema, payload size, total size, payload.
std::string payload_blob(std::int64_t schema) {
  struct {
    std::int64_t domain, schema, size, total;
    std::int64_t layer, tokens, active, most;
    double factor;
    char kernel[8];
  } bytes{1, schema, 48, 80, 7, 4096, 113, 911, 1.25, "loop"};
  std::string hex;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x",
                  static_cast<unsigned>(reinterpret_cast<const unsigned char*>(&bytes)[i]));
    hex += digits;
  }
  return "x'" + hex + "'";
}

TEST(NsysSqliteTest, DecodesPayloadsByTheSchemaOfTheExport) {
  const NsysExport report;
  report.run(kReport);
  report.run(
      "ALTER TABLE NVTX_EVENTS ADD COLUMN binaryData TEXT;"
      "CREATE TABLE NVTX_PAYLOAD_SCHEMA_ENTRIES (domainId INT, schemaId INT, idx INT, name "
      "TEXT, offset INT);"
      "INSERT INTO NVTX_PAYLOAD_SCHEMA_ENTRIES VALUES (1,9,0,'layer',NULL), "
      "(1,9,1,'tokens',8), (1,9,2,'active_experts',16), (1,9,3,'max_load',24), "
      "(1,9,4,'capacity_factor',32), (1,9,5,'kernel',40);"
      "UPDATE NVTX_EVENTS SET binaryData = " +
      payload_blob(9) + " WHERE start = 100;" +
      "UPDATE NVTX_EVENTS SET binaryData = x'0102' WHERE start = 1000;");
  const auto read = read_nsys_sqlite(report.path());
  ASSERT_EQ(read.layers.size(), 2U);
  const auto& layer = read.layers[0];
  EXPECT_TRUE(layer.has_payload);
  EXPECT_EQ(layer.layer, 7);
  EXPECT_EQ(layer.tokens, 4096);
  EXPECT_EQ(layer.active_experts, 113);
  EXPECT_EQ(layer.max_load, 911);
  EXPECT_EQ(layer.capacity_factor, 1.25);
  EXPECT_EQ(layer.kernel, "loop");
  EXPECT_FALSE(read.layers[1].has_payload) << "a payload that is cut off";
}

TEST(NsightJoinTest, ALaunchAnExpertIsJoinedByRisingExpert) {
  std::vector<JoinedKernel> kernels = {{0, "permute", "copy", 1e-6}};
  for (int i = 0; i < 6; ++i) kernels.push_back({0, "expert", "gemm", 1e-6});
  const auto joined = join_experts(kernels, {10, 0, 500, 30}, "loop");
  EXPECT_EQ(joined[0].expert, -1);
  EXPECT_EQ(joined[0].rows, -1);
  const int experts[] = {0, 0, 2, 2, 3, 3};
  const std::int64_t rows[] = {10, 10, 500, 500, 30, 30};
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(joined[i + 1].expert, experts[i]);
    EXPECT_EQ(joined[i + 1].rows, rows[i]);
  }
}

TEST(NsightJoinTest, AGroupedKernelComputesAllExperts) {
  const std::vector<JoinedKernel> kernels = {{0, "expert", "grouped", 2e-6}};
  const auto joined = join_experts(kernels, {10, 0, 50, 30}, "grouped");
  EXPECT_EQ(joined[0].expert, -1);
  EXPECT_EQ(joined[0].rows, 90);
  EXPECT_NEAR(joined[0].max_over_mean, 50 / 22.5, 1e-12);
}

TEST(NsightJoinTest, TakesTheDurationOfEachKernelInSeconds) {
  const std::vector<NcuValue> values = {
      {0, "gemm", "expert", "", "Duration", "us", 12.5},
      {0, "gemm", "expert", "", "Memory Throughput", "%", 80},
      {1, "copy", "permute", "", "gpu__time_duration.sum", "ns", 900}};
  const auto kernels = joinable(values);
  ASSERT_EQ(kernels.size(), 2U);
  EXPECT_NEAR(kernels[0].seconds, 12.5e-6, 1e-15);
  EXPECT_NEAR(kernels[1].seconds, 0.9e-6, 1e-15);
  EXPECT_EQ(kernels[1].stage, "permute");
}

std::vector<NcuValue> counted_kernel(std::int64_t id, const char* stage, double us) {
  return {{id, "gemm", stage, "", "gpu__time_duration.sum", "us", us},
          {id, "gemm", stage, "", "dram__bytes.sum", "Mbyte", 2},
          {id, "gemm", stage, "", "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
           "%", us},
          {id, "gemm", stage, "", "sm__cycles_active.max", "cycle", 300},
          {id, "gemm", stage, "", "sm__cycles_active.avg", "cycle", 200}};
}

TEST(NsightCountersTest, AddsUpTheExpertKernelsInSiUnits) {
  auto values = counted_kernel(0, "expert", 10);
  for (const auto& value : counted_kernel(1, "expert", 30)) values.push_back(value);
  for (const auto& value : counted_kernel(2, "permute", 99)) values.push_back(value);
  const auto counters = expert_counters(values);
  ASSERT_TRUE(counters.has_value());
  EXPECT_EQ(counters->kernels, 2);
  EXPECT_NEAR(counters->seconds, 40e-6, 1e-12);
  EXPECT_NEAR(counters->dram_bytes, 4e6, 1e-3);
  EXPECT_NEAR(*counters->tensor_fraction, (10 * 0.1 + 30 * 0.3) / 40, 1e-12);
  EXPECT_NEAR(*counters->busiest_sm_over_mean, 1.5, 1e-12);
}

TEST(NsightCountersTest, AMissingCounterGivesNoSum) {
  auto values = counted_kernel(0, "", 10);
  EXPECT_TRUE(expert_counters(values).has_value()) << "without ranges all kernels count";
  values.push_back({1, "gemm", "", "", "gpu__time_duration.sum", "us", 5});
  EXPECT_FALSE(expert_counters(values).has_value());
  EXPECT_FALSE(expert_counters(std::vector<NcuValue>{}).has_value());
}

TEST(NsysSqliteTest, AReportWithoutKernelsIsEmpty) {
  const NsysExport report;
  report.run("INSERT INTO NVTX_EVENTS VALUES (0, NULL, 75, 'hotexpert', NULL, 1, 1);");
  EXPECT_THAT(read_nsys_sqlite(report.path()).kernels, IsEmpty());
}

TEST(NsysSqliteTest, AnExportOfAnotherFormIsNamedWithItsTables) {
  const NsysExport report;
  report.run(kReport);
  report.run(
      "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT);"
      "INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '9.1.0');"
      "ALTER TABLE CUPTI_ACTIVITY_KIND_KERNEL RENAME COLUMN demangledName TO nameId;");
  const auto renamed = message_of([&] { read_nsys_sqlite(report.path()); });
  EXPECT_THAT(renamed, HasSubstr("this export of schema version 9.1.0 cannot be read: table "
                                 "CUPTI_ACTIVITY_KIND_KERNEL is expected with columns start, end, "
                                 "correlationId, globalPid, demangledName; found: start, end, "
                                 "correlationId, globalPid, nameId"));
  EXPECT_THAT(renamed, HasSubstr("nsys export --type sqlite"));
  report.run("ALTER TABLE NVTX_EVENTS RENAME TO NVTX_RANGES;");
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(report.path()); }),
              HasSubstr("table NVTX_EVENTS is expected; found: CUPTI_ACTIVITY_KIND_KERNEL, "
                        "CUPTI_ACTIVITY_KIND_RUNTIME, META_DATA_EXPORT, NVTX_RANGES, StringIds"));
}

TEST(NsysSqliteTest, APartialExportIsReadAsFarAsItGoesAndSaysSo) {
  const NsysExport report;
  report.run(kReport);
  report.run("DROP TABLE CUPTI_ACTIVITY_KIND_RUNTIME;");
  const auto read = read_nsys_sqlite(report.path());
  EXPECT_EQ(read.kernels.size(), 4U);
  EXPECT_EQ(read.kernels[1].stage, "");
  EXPECT_EQ(read.layers.size(), 2U);
  EXPECT_THAT(read.partial, HasSubstr("no table CUPTI_ACTIVITY_KIND_RUNTIME"));
  report.run("DROP TABLE CUPTI_ACTIVITY_KIND_KERNEL;");
  EXPECT_THAT(read_nsys_sqlite(report.path()).partial, HasSubstr("hence no kernels"));
}

TEST(NsysSqliteTest, TimesThatCannotBeAreRefused) {
  const NsysExport kernels;
  kernels.run(kReport);
  kernels.run("UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET end = 5 WHERE start = 2000;");
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(kernels.path()); }),
              HasSubstr("kernel 'copy' runs from 2000 to 5 ns"));
  const NsysExport ranges;
  ranges.run(kReport);
  ranges.run("UPDATE NVTX_EVENTS SET start = -7 WHERE start = 110;");
  EXPECT_THAT(message_of([&] { read_nsys_sqlite(ranges.path()); }),
              HasSubstr("a range 'permute' lasts from -7 to 200 ns"));
}

TEST(NsysSqliteTest, AKernelIsPlacedAmongAHundredThousandRanges) {
  const NsysExport report;
  report.run(kReport);
  report.run(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
      "INSERT INTO NVTX_EVENTS SELECT 10000 + 10 * i, 10009 + 10 * i, 59, NULL, 2, 16777217, 1 "
      "FROM n;"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
      "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME SELECT 10005 + 10 * i, 0, 16777217, 10 + i FROM n;"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
      "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL SELECT 5000 + i, 5001 + i, 10 + i, 16777216, 3 "
      "FROM n;"
      "CREATE INDEX launches ON CUPTI_ACTIVITY_KIND_RUNTIME (correlationId);");
  const auto read = read_nsys_sqlite(report.path());
  ASSERT_EQ(read.kernels.size(), 100004U);
  EXPECT_EQ(read.kernels.back().path, "expert");
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

TEST(NcuCsvTest, ADecimalCommaIsNotReadAsThousands) {
  const std::string header =
      "\"ID\",\"Kernel Name\",\"Section Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n";
  const auto value = [&](const char* text) {
    const auto values =
        read_ncu_csv(header + "\"0\",\"k\",\"s\",\"Duration\",\"us\",\"" + text + "\"\n", "r.csv");
    return values.empty() ? -1 : values.front().value;
  };
  EXPECT_EQ(value("1,234,567.5"), 1234567.5);
  EXPECT_EQ(value("-12,000"), -12000);
  for (const char* comma :
       {"12,5", "1234,5", "1,23", "0,125", "-0,500", "0,125000", "1,234.5,6", ",5"})
    EXPECT_THAT(message_of([&] { value(comma); }), HasSubstr("with a decimal comma")) << comma;
  for (const char* none : {"nan", "inf", "-inf", "n/a", "", "(!) nan"})
    EXPECT_EQ(value(none), -1) << none;
}

TEST(NsightJoinTest, ADurationInAnUnknownUnitIsRefusedNotZero) {
  EXPECT_THAT(message_of([] {
                joinable(std::vector<NcuValue>{{4, "k", "", "", "Duration", "min", 1}});
              }),
              HasSubstr("duration of kernel 4 is in 'min'"));
}

}  // namespace
}  // namespace hotexpert
