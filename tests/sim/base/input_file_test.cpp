#include "sim/base/input_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/errors.hpp"
#include "tests/sim/traces/trace_files.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_files::TempFolder;

std::string refusal_of_reading(const std::string& path, std::size_t most_bytes = kLargestFile) {
  try {
    (void)read_whole_file(path, most_bytes);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(InputFileTest, WholeFilesAndBeginningsAreReadToTheByte) {
  const TempFolder folder;
  const std::string text = std::string(100'000, 'a') + '\0' + "b\n";
  const auto path = folder.write("x", text);
  EXPECT_EQ(read_whole_file(path), text);
  EXPECT_EQ(read_whole_file(path, text.size()), text);
  EXPECT_EQ(read_beginning(path, 70'000), text.substr(0, 70'000));
  EXPECT_EQ(read_beginning(path, 200'000), text);
  EXPECT_EQ(read_beginning(path, 0), "");
  EXPECT_EQ(read_whole_file(folder.write("empty", "")), "");
}

TEST(InputFileTest, WhatCannotBeReadIsRefusedByName) {
  const TempFolder folder;
  EXPECT_THAT(refusal_of_reading(folder.file("absent")), HasSubstr("absent: cannot be opened (No"));
  EXPECT_THAT(refusal_of_reading(folder.file("")), HasSubstr("cannot be read (Is a directory)"));
  EXPECT_THAT(refusal_of_reading(std::string("a\0b", 3)), HasSubstr("a: cannot be opened"));
  const auto path = folder.write("long", std::string((1U << 20) + 1, 'x'));
  EXPECT_THAT(refusal_of_reading(path, 1U << 20), HasSubstr("long: is longer than the 1 MiB"));
  EXPECT_THAT(refusal_of_reading("/dev/zero", 1U << 20), HasSubstr("/dev/zero: is longer"));
}

}  // namespace
}  // namespace hotexpert
