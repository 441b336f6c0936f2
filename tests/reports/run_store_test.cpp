#include "reports/run_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "reports/checksum.hpp"
#include "reports/npy.hpp"
#include "reports/run_lines.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using test_support::small_manifest;
using test_support::small_point;
using test_support::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

template <class Error, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

std::string written_run(const TemporaryFolder& folder) {
  const std::string dir = folder.path("run");
  auto writer = RunWriter::create(dir, small_manifest());
  writer.append(small_point(1, "padded"));
  writer.append(small_point(2, "padded"));
  writer.append(small_point(1, "grouped"));
  return dir;
}

TEST(RunStoreTest, WhatIsWrittenReadsBackEqual) {
  const TemporaryFolder folder;
  const auto run = read_run(written_run(folder));
  EXPECT_THAT(run.warnings, IsEmpty());
  EXPECT_EQ(run.manifest.at("title").as_string(), "small");
  ASSERT_EQ(run.points.size(), 3U);
  EXPECT_EQ(to_json(run.points[1]), to_json(small_point(2, "padded")));
}

TEST(RunStoreTest, TheChecksumIsThatOfZlib) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);  // the check value of CRC-32/ISO-HDLC
  EXPECT_EQ(checked_line(Json::parse(R"({"a":1})", "")), R"({"a":1,"crc32":"a702fc6e"})");
}

TEST(RunStoreTest, AFolderThatHoldsSomethingIsRefused) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  EXPECT_THAT(message_of<UsageError>([&] { RunWriter::create(dir, small_manifest()); }),
              HasSubstr("--resume"));
  write_bytes(folder.path("file"), "x");
  EXPECT_THROW(RunWriter::create(folder.path("file"), small_manifest()), UsageError);
  std::filesystem::create_directory(folder.path("empty"));
  EXPECT_NO_THROW(RunWriter::create(folder.path("empty"), small_manifest()));
  EXPECT_NO_THROW(RunWriter::create(folder.path("a/b/c"), small_manifest()));
}

TEST(RunStoreTest, AFolderOneMayNotWriteToIsAnOutputError) {
  EXPECT_THROW(RunWriter::create("/proc/hotexpert-run", small_manifest()), OutputError);
}

TEST(RunStoreTest, TwoWritersNeverShareAFolder) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("run");
  {
    auto first = RunWriter::create(dir, small_manifest());
    EXPECT_THAT(message_of<UsageError>([&] { RunWriter::resume(dir, small_manifest()); }),
                HasSubstr("another process"));
  }
  EXPECT_NO_THROW(RunWriter::resume(dir, small_manifest())) << "the lock outlived its writer";
}

TEST(RunStoreTest, ResumeKnowsWhatIsFinished) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  auto failed = small_point(2, "grouped");
  failed.outcome = Outcome::kFailed;
  failed.reason = "expert 3 differs from the reference";
  {
    auto writer = RunWriter::resume(dir, small_manifest());
    EXPECT_TRUE(writer.has(small_point(1, "padded").point));
    EXPECT_FALSE(writer.has(small_point(2, "grouped").point));
    writer.append(failed);
    EXPECT_FALSE(writer.has(failed.point)) << "a failed point runs again";
  }
  auto writer = RunWriter::resume(dir, small_manifest());
  EXPECT_FALSE(writer.has(failed.point));
  writer.append(small_point(2, "grouped"));
  EXPECT_TRUE(writer.has(failed.point));
  const auto run = read_run(dir);
  ASSERT_EQ(run.points.size(), 4U) << "the last line of a point counts";
  EXPECT_EQ(run.points[3].outcome, Outcome::kOk);
  EXPECT_EQ(run.manifest.at("resumed").as_array().size(), 2U);
}

TEST(RunStoreTest, ResumeStartsARunWhereThereIsNone) {
  const TemporaryFolder folder;
  auto writer = RunWriter::resume(folder.path("run"), small_manifest());
  EXPECT_FALSE(writer.has(small_point(1, "padded").point));
}

TEST(RunStoreTest, ResumeWithAnotherScenarioSaysWhichKeyDiffers) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  Json other = small_manifest();
  Json scenario = other.at("scenario");
  scenario.set("layer.experts", Json::array_of(std::vector{16}));
  other.set("scenario", scenario);
  EXPECT_THAT(message_of<UsageError>([&] { RunWriter::resume(dir, other); }),
              HasSubstr("layer.experts was [8], is now [16]"));
  other = small_manifest();
  other.set("seed", 2);
  EXPECT_THAT(message_of<UsageError>([&] { RunWriter::resume(dir, other); }),
              HasSubstr("seed was 1, is now 2"));
}

TEST(RunStoreTest, APointIsKnownByItsValuesNotByTheirOrderOrSpelling) {
  EXPECT_EQ(point_key({{"a", Json(2)}, {"b", Json("x")}}),
            point_key({{"b", Json("x")}, {"a", Json(2.0)}}));
  EXPECT_NE(point_key({{"a", Json(2)}}), point_key({{"a", Json("2")}}));
}

TEST(RunStoreTest, ALineCutAnywhereIsDroppedWithAWarningAndResumeGoesOn) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  const std::string lines = dir + "/points.jsonl";
  const std::string whole = read_bytes(lines);
  const std::size_t second_end = whole.find('\n', whole.find('\n') + 1) + 1;
  for (std::size_t length = second_end + 1; length < whole.size(); length += 7) {
    write_bytes(lines, whole.substr(0, length));
    const auto run = read_run(dir);
    ASSERT_EQ(run.points.size(), 2U) << length;
    ASSERT_THAT(run.warnings, ElementsAre(HasSubstr("cut off")));
    auto writer = RunWriter::resume(dir, small_manifest());
    ASSERT_FALSE(writer.has(small_point(1, "grouped").point));
    writer.append(small_point(1, "grouped"));
    ASSERT_EQ(read_bytes(lines), whole) << length;
  }
}

TEST(RunStoreTest, AChangedByteAnywhereHidesItsOwnLineOnly) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  const std::string lines = dir + "/points.jsonl";
  const std::string whole = read_bytes(lines);
  const std::size_t first_end = whole.find('\n');
  for (std::size_t position = 0; position < first_end; ++position) {
    std::string changed = whole;
    changed[position] = static_cast<char>(changed[position] ^ 0x08);
    write_bytes(lines, changed);
    const auto run = read_run(dir);
    ASSERT_EQ(run.points.size(), 2U) << "byte " << position;
    for (const auto& warning : run.warnings) ASSERT_THAT(warning, HasSubstr("damaged"));
    ASSERT_FALSE(run.warnings.empty());
  }
}

TEST(RunStoreTest, ADamagedNewlineHidesNoPointAndADamagedLineIsCountedAndNamed) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  const std::string lines = dir + "/points.jsonl";
  const std::string whole = read_bytes(lines);
  const std::size_t first_end = whole.find('\n');
  const std::size_t second_end = whole.find('\n', first_end + 1);
  for (const std::size_t newline : {first_end, second_end}) {
    std::string changed = whole;
    changed[newline] = 'x';
    write_bytes(lines, changed);
    const auto run = read_run(dir);
    EXPECT_EQ(run.points.size(), 3U);
    EXPECT_EQ(run.damaged_lines, 1U);
    EXPECT_THAT(run.warnings,
                ElementsAre(::testing::AllOf(HasSubstr("points.jsonl:"), HasSubstr("damaged"))));
  }
  std::string changed = whole;
  changed[first_end] = 'x';
  changed[first_end / 2] = '\n';  // the first line in two, the second one joined to its end
  write_bytes(lines, changed);
  const auto run = read_run(dir);
  EXPECT_EQ(run.points.size(), 2U) << "all but the first";
  EXPECT_EQ(run.damaged_lines, 2U);
}

TEST(RunStoreTest, AResumedRunWritesNoArtifactOverThatOfAnAcknowledgedPoint) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("run");
  const auto large = [](double skew) {
    auto point = small_point(skew, "padded");
    point.series = {{"load.by_expert", "count", Provenance::kCounted, {"expert"}, {5000}, {}, ""}};
    point.series[0].values.assign(5000, skew);
    return point;
  };
  {
    auto writer = RunWriter::create(dir, small_manifest());
    for (const double skew : {1.0, 2.0, 3.0}) writer.append(large(skew));
  }
  std::string changed = read_bytes(dir + "/points.jsonl");
  changed[changed.find('\n')] = 'x';  // three lines look like two
  write_bytes(dir + "/points.jsonl", changed);
  RunWriter::resume(dir, small_manifest()).append(large(4.0));
  const auto run = read_run(dir);
  ASSERT_EQ(run.points.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(series_values(dir, run.points[i].series.at(0))[0], static_cast<double>(i + 1));
}

TEST(RunStoreTest, ADraftIsNoRunUntilItIsPublishedAndLeavesNothingWhenItIsNot) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("run");
  {
    auto draft = RunWriter::draft(dir, small_manifest());
    draft.append(small_point(1, "padded"));
    EXPECT_THROW(read_run(dir), InputError);
    EXPECT_THROW(RunWriter::draft(dir, small_manifest()), UsageError) << "it is locked";
  }
  EXPECT_FALSE(std::filesystem::exists(dir + "/points.jsonl"));
  write_bytes(dir + "/manifest.json.tmp", "{");  // what a killed draft leaves
  write_bytes(dir + "/points.jsonl", "x");
  auto draft = RunWriter::draft(dir, small_manifest());
  draft.append(small_point(2, "padded"));
  draft.publish();
  EXPECT_EQ(read_run(dir).points.size(), 1U);
  EXPECT_THAT(message_of<UsageError>([&] { RunWriter::draft(dir, small_manifest()); }),
              ::testing::AllOf(HasSubstr("not empty"), ::testing::Not(HasSubstr("--resume"))));
}

TEST(RunStoreTest, PointsWithoutAManifestAreTheUsersAndStay) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("run"));
  write_bytes(folder.path("run/points.jsonl"), "precious");
  EXPECT_THROW(RunWriter::create(folder.path("run"), small_manifest()), UsageError);
  EXPECT_THROW(RunWriter::draft(folder.path("run"), small_manifest()), UsageError);
  EXPECT_EQ(read_bytes(folder.path("run/points.jsonl")), "precious");
}

TEST(RunStoreTest, ResumeWithAnotherRecordingUnderTheSameNameIsRefused) {
  const TemporaryFolder folder;
  const auto with_digest = [](const char* digest) {
    Json trace = Json::object().set("file", "a.npy").set("tokens", 64).set("digest", digest);
    return small_manifest().set("traces", Json::array().push(std::move(trace)));
  };
  { RunWriter::create(folder.path("run"), with_digest("1")); }
  EXPECT_NO_THROW(RunWriter::resume(folder.path("run"), with_digest("1")));
  EXPECT_THAT(
      message_of<UsageError>([&] { RunWriter::resume(folder.path("run"), with_digest("2")); }),
      HasSubstr("a.npy\" has other contents"));
}

TEST(RunStoreTest, LargeSeriesGoToFilesThatNumpyReads) {
  const TemporaryFolder folder;
  const std::string dir = folder.path("run");
  auto point = small_point(1, "padded");
  Series small{"load.small", "count", Provenance::kCounted, {"expert"}, {4096}, {}, ""};
  small.values.assign(4096, 3);
  Series large{
      "load.by_expert", "count", Provenance::kCounted, {"layer", "expert"}, {17, 241}, {}, ""};
  large.values.resize(17 * 241);
  std::iota(large.values.begin(), large.values.end(), 0.0);
  point.series = {small, large};
  {
    auto writer = RunWriter::create(dir, small_manifest());
    writer.append(small_point(2, "padded"));
    writer.append(point);
  }
  const auto run = read_run(dir);
  const auto& read = run.points.at(1).series;
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].file, "");
  EXPECT_EQ(read[1].file, "artifacts/2/load.by_expert.npy");
  EXPECT_EQ(series_values(run.dir, read[0]), small.values);
  EXPECT_EQ(series_values(run.dir, read[1]), large.values);

  std::string bytes = read_bytes(dir + "/artifacts/2/load.by_expert.npy");
  EXPECT_EQ(bytes.size() % 64, (17 * 241 * 8) % 64) << "numpy aligns data to 64 bytes";
  EXPECT_THAT(
      bytes.substr(10),
      ::testing::StartsWith("{'descr': '<f8', 'fortran_order': False, 'shape': (17, 241), }"));
  write_bytes(dir + "/artifacts/2/load.by_expert.npy", bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT(message_of<InputError>([&] { (void)series_values(run.dir, read[1]); }),
              HasSubstr("cut off"));
}

TEST(RunStoreTest, ASeriesNeverReadsOutsideItsFolder) {
  const TemporaryFolder folder;
  const auto run = read_run(written_run(folder));
  for (const char* file : {"/etc/passwd", "../x.npy", "artifacts/../../x.npy"}) {
    Series series{"m", "", Provenance::kCounted, {}, {}, {}, file};
    EXPECT_THAT(message_of<InputError>([&] { (void)series_values(run.dir, series); }),
                HasSubstr("outside the run folder"));
  }
}

TEST(RunStoreTest, ANpyFileOfOneDimensionHasNumpysTrailingComma) {
  const std::vector<std::int64_t> shape = {3};
  const std::vector<double> values = {1, 2, 3};
  const std::string bytes = npy_bytes(shape, values);
  EXPECT_THAT(bytes, HasSubstr("'shape': (3,), }"));
  EXPECT_EQ(parse_npy(bytes, "x").values, values);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_npy(bytes.substr(0, length), "x"), InputError) << length;
  std::string huge = bytes;  // a product of 2^64 + 3 elements
  huge.replace(huge.find("(3,)"), 31, "(4294967296, 4294967296, 3), } ");
  EXPECT_THROW(parse_npy(huge, "x"), InputError);
}

TEST(RunStoreTest, ANewerMajorSchemaIsRefusedByNameAndUnknownFieldsAreNot) {
  const TemporaryFolder folder;
  const std::string dir = written_run(folder);
  Json manifest = small_manifest();
  manifest.set("some.later.field", Json::object());
  write_bytes(dir + "/manifest.json", manifest.dump());
  EXPECT_EQ(read_run(dir).points.size(), 3U);
  manifest.set("schema", "hotexpert-run/1.7");
  write_bytes(dir + "/manifest.json", manifest.dump());
  EXPECT_EQ(read_run(dir).points.size(), 3U);
  manifest.set("schema", "hotexpert-run/2");
  write_bytes(dir + "/manifest.json", manifest.dump());
  EXPECT_THAT(message_of<InputError>([&] { read_run(dir); }),
              ::testing::AllOf(HasSubstr("hotexpert-run/2"), HasSubstr("update hotexpert")));
  manifest.set("schema", "someone-else/1");
  write_bytes(dir + "/manifest.json", manifest.dump());
  EXPECT_THAT(message_of<InputError>([&] { read_run(dir); }), HasSubstr("someone-else/1"));
}

TEST(RunStoreTest, AManifestWithoutAKeyIsRefusedByItsName) {
  const TemporaryFolder folder;
  const Json complete = small_manifest();
  for (const auto& [key, value] : complete.as_object()) {
    Json manifest;
    for (const auto& [other, other_value] : complete.as_object())
      if (other != key) manifest.set(other, other_value);
    EXPECT_THAT(message_of<InputError>([&] { RunWriter::create(folder.path("run"), manifest); }),
                HasSubstr('"' + key + '"'));
    EXPECT_FALSE(std::filesystem::exists(folder.path("run")));
  }
}

TEST(RunStoreTest, AFolderThatIsNoRunSaysHowToMakeOne) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<InputError>([&] { read_run(folder.path("absent")); }),
              HasSubstr("hotexpert sweep"));
}

}  // namespace
}  // namespace hotexpert
