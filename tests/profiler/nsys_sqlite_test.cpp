#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "profiler/nsight_import.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string refusal_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "(no error)";
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

/// The columns of schema 3.28.1 that an export with all its tables and columns has where ours are
/// read from; enumerations and numbers as such exports hold them.
constexpr const char* kWholeSchema =
    "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT);"
    "INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_SCHEMA_VERSION', '3.28.1');"
    "CREATE TABLE ENUM_NSYS_EVENT_TYPE (id INTEGER PRIMARY KEY, name TEXT, label TEXT);"
    "INSERT INTO ENUM_NSYS_EVENT_TYPE VALUES (34,'NvtxMark','Mark'), "
    "(61,'NvtxPushPopRange','Push/Pop Range'), (62,'NvtxStartEndRange','Start/End Range'), "
    "(77,'NvtxDomainCreate','Domain Create');"
    "DROP TABLE NVTX_EVENTS;"
    "CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, "
    "rangeId INTEGER, category INTEGER, color INTEGER, text TEXT, globalTid INTEGER, endGlobalTid "
    "INTEGER, textId INTEGER, domainId INTEGER, uint64Value INTEGER, int64Value INTEGER, "
    "doubleValue REAL, uint32Value INTEGER, int32Value INTEGER, floatValue REAL, jsonTextId "
    "INTEGER, jsonText TEXT, binaryData BLOB);"
    "INSERT INTO StringIds VALUES (1,'layer'),(2,'expert'),(3,'void "
    "grouped<2>(int)'),(4,'grouped');"
    "INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid, textId, domainId) VALUES "
    "(0, NULL, 77, 'hotexpert', 16777216, NULL, 3), (100, 900, 61, NULL, 16777217, 1, 3),"
    "(200, 800, 61, NULL, 16777217, 2, 3), (210, 220, 62, 'layer', 16777217, NULL, 3),"
    "(230, NULL, 34, 'expert', 16777217, NULL, 3);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL, "
    "eventClass INTEGER NOT NULL, globalTid INTEGER, correlationId INTEGER, nameId INTEGER NOT "
    "NULL, returnValue INTEGER NOT NULL, callchainId INTEGER);"
    "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (300, 310, 0, 16777217, 42, 4, 0, NULL);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL, "
    "deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, greenContextId INTEGER, streamId "
    "INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL, "
    "shortName INTEGER NOT NULL, mangledName INTEGER, launchType INTEGER, graphNodeId INTEGER);"
    "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1000, 1400, 0, 1, NULL, 7, 42, 16777216, 3, 4, "
    "NULL, NULL, NULL);";

TEST(NsysSqliteTest, EventTypesAreWhatTheExportSaysTheyAre) {
  const NsysExport report;
  report.run(kWholeSchema);
  const auto read = read_nsys_sqlite(report.path());
  ASSERT_EQ(read.kernels.size(), 1U);
  EXPECT_EQ(read.kernels[0].name, "void grouped<2>(int)");
  EXPECT_EQ(read.kernels[0].path, "layer/expert");
  EXPECT_EQ(read.layers.size(), 1U) << "a start/end range is none of ours";
}

TEST(NsysSqliteTest, AnExportWithoutBlobsSaysHowToGetThem) {
  const NsysExport report;
  report.run(kWholeSchema);
  EXPECT_THAT(read_nsys_sqlite(report.path()).partial, HasSubstr("--include-blobs=true"));
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
  const auto renamed = refusal_of([&] { read_nsys_sqlite(report.path()); });
  EXPECT_THAT(renamed, HasSubstr("this export of schema version 9.1.0 cannot be read: table "
                                 "CUPTI_ACTIVITY_KIND_KERNEL is expected with columns start, end, "
                                 "correlationId, globalPid, demangledName; found: start, end, "
                                 "correlationId, globalPid, nameId"));
  EXPECT_THAT(renamed, HasSubstr("nsys export --type sqlite"));
  report.run("ALTER TABLE NVTX_EVENTS RENAME TO NVTX_RANGES;");
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(report.path()); }),
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
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(kernels.path()); }),
              HasSubstr("kernel 'copy' runs from 2000 to 5 ns"));
  const NsysExport ranges;
  ranges.run(kReport);
  ranges.run("UPDATE NVTX_EVENTS SET start = -7 WHERE start = 110;");
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(ranges.path()); }),
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
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(report.path()); }),
              HasSubstr("has no NVTX domain `hotexpert`"));
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(report.path().string() + ".absent"); }),
              HasSubstr("cannot be opened"));
  std::ofstream(report.path()) << "this is text, long enough to be no database at all............";
  EXPECT_THAT(refusal_of([&] { read_nsys_sqlite(report.path()); }),
              HasSubstr("is not an export of Nsight Systems"));
}

}  // namespace
}  // namespace hotexpert
