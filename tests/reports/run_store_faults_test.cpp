#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using test_support::small_manifest;
using test_support::small_point;
using test_support::TemporaryFolder;

/// A disk that fills up: call number `fail_at` and all later ones of writing fail; a failing write
/// first writes half of its bytes.
class FailingFiles : public FileOps {
 public:
  FailingFiles(int fail_at, int error) : fail_at_(fail_at), error_(error) {}
  int open(const char* path, int flags, mode_t mode) override {
    return fails() ? -1 : FileOps::open(path, flags, mode);
  }
  ssize_t write(int fd, const void* bytes, std::size_t count) override {
    if (!fails()) return FileOps::write(fd, bytes, count);
    if (half_written_ || count < 2) return -1;
    half_written_ = true;
    return FileOps::write(fd, bytes, count / 2);
  }
  int fsync(int fd) override { return fails() ? -1 : FileOps::fsync(fd); }
  int ftruncate(int fd, off_t length) override {
    return fails() ? -1 : FileOps::ftruncate(fd, length);
  }
  int rename(const char* from, const char* to) override {
    return fails() ? -1 : FileOps::rename(from, to);
  }
  int mkdir(const char* path, mode_t mode) override {
    return fails() ? -1 : FileOps::mkdir(path, mode);
  }
  void fail_after(int calls) {
    fail_at_ = calls_ + calls + 1;
    half_written_ = false;
  }
  static constexpr int kNever = 1 << 29;

 private:
  bool fails() {
    errno = error_;
    return ++calls_ >= fail_at_;
  }
  int fail_at_;
  int error_;
  int calls_ = 0;
  bool half_written_ = false;
};

PointResult point_with_file(double skew) {
  auto point = small_point(skew, "padded");
  point.series.push_back(
      {"load.by_expert", "count", Provenance::kCounted, {"expert"}, {5000}, {}, ""});
  point.series[0].values.assign(5000, skew);
  return point;
}

const std::vector<PointResult>& planned_points() {
  static const std::vector<PointResult> points = {small_point(1, "padded"), point_with_file(2),
                                                  small_point(1, "grouped")};
  return points;
}

void expect_complete(const std::string& dir) {
  const auto run = read_run(dir);
  EXPECT_THAT(run.warnings, ::testing::IsEmpty());
  ASSERT_EQ(run.points.size(), planned_points().size());
  EXPECT_EQ(series_values(run.dir, run.points[1].series.at(0)),
            planned_points()[1].series[0].values);
}

TEST(RunStoreFaultsTest, AFullDiskAtAnyCallLosesNoFinishedPointAndResumeCompletesTheRun) {
  bool finished = false;
  int calls = 1;
  for (; !finished; ++calls) {
    ASSERT_LT(calls, 200);
    const TemporaryFolder folder;
    const std::string dir = folder.path("deep/run");
    FailingFiles files(calls, ENOSPC);
    std::size_t safe = 0;
    try {
      auto writer = RunWriter::create(dir, small_manifest(), files);
      for (const auto& point : planned_points()) {
        writer.append(point);
        ++safe;
      }
      finished = true;
    } catch (const OutputError& error) {
      EXPECT_EQ(error.code(), ExitCode::kOutputFailed);
      EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("No space left"),
                                                 ::testing::HasSubstr("free some space"),
                                                 ::testing::HasSubstr("--resume")));
    }
    if (safe > 0) {
      const auto run = read_run(dir);
      ASSERT_GE(run.points.size(), safe) << "call " << calls;
    }
    auto writer = RunWriter::resume(dir, small_manifest());
    for (const auto& point : planned_points())
      if (!writer.has(point.point)) writer.append(point);
    expect_complete(dir);
  }
  EXPECT_GT(calls, 20) << "the faults did not reach the calls";
}

TEST(RunStoreFaultsTest, TheSameWriterGoesOnAfterSpaceWasFreed) {
  for (int call = 1; call <= 2; ++call) {  // write, fsync
    const TemporaryFolder folder;
    FailingFiles files(FailingFiles::kNever, ENOSPC);
    auto writer = RunWriter::create(folder.path("run"), small_manifest(), files);
    writer.append(planned_points()[0]);
    files.fail_after(call - 1);
    EXPECT_THROW(writer.append(planned_points()[2]), OutputError);
    files.fail_after(FailingFiles::kNever);
    writer.append(planned_points()[1]);
    writer.append(planned_points()[2]);
    expect_complete(folder.path("run"));
  }
}

TEST(RunStoreFaultsTest, AKilledWriterLeavesAReadableRunAndNoLock) {
  for (int round = 0; round < 10; ++round) {
    const TemporaryFolder folder;
    const std::string dir = folder.path("run");
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = RunWriter::create(dir, small_manifest());
      for (int i = 0; ::write(ready[1], "x", 1) == 1; ++i) writer.append(small_point(i, "padded"));
      ::_exit(0);
    }
    char byte = 0;
    for (int i = 0; i < 3 + round; ++i) ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ready[0]);
    ::close(ready[1]);
    const auto run = read_run(dir);
    EXPECT_GE(run.points.size(), static_cast<std::size_t>(2 + round));
    auto writer = RunWriter::resume(dir, small_manifest());
    EXPECT_TRUE(writer.has(small_point(0, "padded").point));
  }
}

}  // namespace
}  // namespace hotexpert
