#include "sim/base/output_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string refusal_of(const std::string& path) {
  try {
    const OutputFile file(path);
  } catch (const OutputError& error) {
    return error.what();
  }
  return "";
}

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream(path_) << "the old one";
  }
  const std::string folder_ =
      (fs::temp_directory_path() / ("hotexpert-output-" + std::to_string(::getpid()))).string();
  const std::string path_ = folder_ + "/out.csv";
  const std::string temporary_ = path_ + ".tmp";
  void TearDown() override { fs::remove_all(folder_); }
};

TEST_F(OutputFileTest, IsTheOldOneUntilItIsFinished) {
  {
    OutputFile file(path_);
    file.write("a");
    file.write(std::string(200'000, 'b'));
    file.write("c");
    EXPECT_EQ(read_bytes(path_), "the old one");
    file.finish();
  }
  EXPECT_EQ(read_bytes(path_), "a" + std::string(200'000, 'b') + "c");
  EXPECT_FALSE(fs::exists(temporary_));
}

TEST_F(OutputFileTest, LeavesNothingWhenItIsAbandoned) {
  { OutputFile(path_).write(std::string(200'000, 'b')); }
  EXPECT_EQ(read_bytes(path_), "the old one");
  EXPECT_FALSE(fs::exists(temporary_));
}

TEST_F(OutputFileTest, OfTwoWritersTheSecondIsRefusedAndNotTheOneAfterThem) {
  {
    OutputFile first(path_);
    EXPECT_THAT(refusal_of(path_), HasSubstr("another process is writing"));
    first.write("first");
    first.finish();
  }
  write_file(system_files(), path_, "second");
  EXPECT_EQ(read_bytes(path_), "second");
}

TEST_F(OutputFileTest, ReplacesWhatAKilledWriterLeft) {
  std::ofstream(temporary_) << "half of something longer than the new one";
  write_file(system_files(), path_, "new");
  EXPECT_EQ(read_bytes(path_), "new");
  EXPECT_FALSE(fs::exists(temporary_));
}

TEST_F(OutputFileTest, NeverWritesThroughALink) {
  const std::string victim = folder_ + "/victim";
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, temporary_);
  EXPECT_THAT(refusal_of(path_), HasSubstr("symbolic link"));
  fs::remove(temporary_);
  fs::remove(path_);
  fs::create_symlink(victim, path_);
  write_file(system_files(), path_, "new");
  EXPECT_EQ(read_bytes(path_), "new");
  EXPECT_FALSE(fs::is_symlink(path_));
  EXPECT_EQ(read_bytes(victim), "precious");
  EXPECT_THAT(read_bytes(make_file(system_files(), path_).path()), "");
}

TEST_F(OutputFileTest, ADeviceStaysADevice) {
  EXPECT_NO_THROW(write_file(system_files(), "/dev/null", "x"));
  EXPECT_EQ(refusal_of("/dev/null"), "");
  try {
    write_file(system_files(), "/dev/full", "x");
    ADD_FAILURE() << "/dev/full took a byte";
  } catch (const OutputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("No space left"));
  }
  for (const char* device : {"/dev/null", "/dev/full"})
    EXPECT_TRUE(fs::is_character_file(device)) << device;
}

TEST_F(OutputFileTest, SaysWhatStandsInTheWay) {
  EXPECT_THAT(refusal_of(folder_), HasSubstr("it is a folder"));
  EXPECT_THAT(refusal_of(folder_ + "/absent/out.csv"), HasSubstr("make its folder first"));
  EXPECT_THAT(refusal_of(folder_ + "/" + std::string(300, 'n')), HasSubstr("too long"));
}

}  // namespace
}  // namespace hotexpert
