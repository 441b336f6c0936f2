#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

/// A .npy of one-byte ids [tokens, 1, 2].
std::string write_trace(const std::string& name, const std::vector<unsigned char>& ids,
                        const std::string& type = "|u1") {
  const std::string path = fresh_folder(name);
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" +
                       std::to_string(ids.size() / 2) + ", 1, 2), }";
  while ((header.size() + 11) % 64 != 0) header += ' ';
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  out << "\x93NUMPY" << '\x01' << '\x00' << static_cast<char>(header.size() & 0xff)
      << static_cast<char>(header.size() >> 8) << header;
  out.write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size()));
  return path;
}

struct BadCase {
  std::string name;
  std::vector<std::string> args;
  int exit_code;
  std::string message;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

class BadInputTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadInputTest, EndsWithOneSentenceAndTheDocumentedCode) {
  const auto& bad = GetParam();
  const auto result = run_hotexpert(bad.args);
  EXPECT_EQ(result.exit_code, bad.exit_code) << result.err;
  EXPECT_THAT(result.err, HasSubstr(bad.message));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(result.out, "");
}

const std::string kQuick = "scenarios/quickstart.toml";

INSTANTIATE_TEST_SUITE_P(
    CommandLine, BadInputTest,
    testing::Values(
        BadCase{"command", {"swep"}, 2, "did you mean 'sweep'?"},
        BadCase{"option", {"sweep", kQuick, "--kernal", "x"}, 2, "did you mean '--kernel'?"},
        BadCase{"prefix", {"sweep", kQuick, "--kern", "x"}, 2, "unknown option"},
        BadCase{
            "value", {"sweep", kQuick, "--step.tokens", "many"}, 2, "'many' is not a whole number"},
        BadCase{
            "zero_tokens", {"plan", kQuick, "--step.tokens", "0"}, 2, "step.tokens: 0 is below 1"},
        BadCase{"top_k", {"plan", kQuick, "--layer.top_k", "9"}, 2, "more than layer.experts = 8"},
        BadCase{"model", {"plan", kQuick, "--skew.model", "zip"}, 2, "did you mean 'zipf'?"},
        BadCase{"parameter",
                {"plan", kQuick, "--skew.model", "zipf:exponnt=1"},
                2,
                "did you mean 'exponent'?"},
        BadCase{"rule",
                {"plan", kQuick, "--capacity.factor", "1", "--capacity.rule", "megatro"},
                2,
                "did you mean 'megatron'?"},
        BadCase{"policy",
                {"plan", kQuick, "--capacity.factor", "1", "--capacity.policy", "prob"},
                2,
                "did you mean 'probs'?"},
        BadCase{"kernel", {"sweep", kQuick, "--kernel", "grouped2"}, 2, "did you mean 'grouped'?"},
        BadCase{"backend", {"sweep", kQuick, "--backend", "gpu"}, 2, "unknown backend 'gpu'"},
        BadCase{"no_device", {"sweep", kQuick, "--backend", "model"}, 2, "pass --device NAME"},
        BadCase{"device",
                {"sweep", kQuick, "--backend", "model", "--device", "h1000"},
                2,
                "device 'h1000' is unknown; shipped devices: a100"},
        BadCase{"no_scenario", {"sweep", "no.toml"}, 2, "no.toml: no such scenario file"},
        BadCase{"no_argument", {"sweep"}, 2, "SCENARIO is missing"},
        BadCase{"no_trace", {"plan", "scenarios/recorded.toml"}, 2, "--trace.file FILE"},
        BadCase{"missing_trace",
                {"plan", "scenarios/recorded.toml", "--trace.file", "no.npy"},
                3,
                "no.npy"},
        BadCase{"missing_run", {"report", "no-such-run"}, 3, "no-such-run"},
        BadCase{"many_points", {"sweep", kQuick, "--seed", "1:200000:1"}, 2, "more than 100000"},
        BadCase{"run_count", {"sweep", kQuick, "--seed", "1:50000:1"}, 2, "pass --yes"}),
    [](const auto& param) { return param.param.name; });

/// A scenario file with this text.
std::string write_scenario(const std::string& text) {
  const std::string path = fresh_folder("bad.toml");
  std::ofstream(path) << text;
  return path;
}

TEST(BadScenarioTest, EveryFaultOfAFileIsPlacedByLineAndColumn) {
  struct Fault {
    const char* text;
    const char* message;
  };
  for (const auto& [text, message] :
       {Fault{"kernal = \"padded\"\n", ":1:10: unknown axis 'kernal'; did you mean 'kernel'?"},
        Fault{"[skew]\nmodel = \"zipff\"\n", "did you mean 'zipf'?"},
        Fault{"[step]\n\ntokens = 0\n", ":3:10: step.tokens: 0 is below 1"},
        Fault{"[layer]\ntop_k = \"two\"\n", ":2:9: layer.top_k: 'two' is not a whole number"},
        Fault{"[layer]\nexperts = 4\ntop_k = 5\n", "more than layer.experts = 4"},
        Fault{"[layer]\ntop_k = 2\ntop_k = 3\n", ":3:"}, Fault{"kernel = [\n", ":1:12:"},
        Fault{"[train]\nmethdo = 1\n", ":2:"}, Fault{"seed = 1.5\n", ":1:8: "},
        Fault{"[capacity]\nfactor = \"nan\"\n", ":2:10: "}}) {
    const std::string file = write_scenario(text);
    const auto result = run_hotexpert({"plan", file});
    EXPECT_EQ(result.exit_code, 2) << text << result.err;
    EXPECT_THAT(result.err, HasSubstr(message)) << text;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

class BadTraceTest : public testing::Test {
 protected:
  static testing_support::ProgramResult plan(const std::string& file) {
    return run_hotexpert({"plan", "scenarios/recorded.toml", "--trace.file", file, "--layer.preset",
                          "none", "--layer.experts", "8", "--step.tokens", "2"});
  }
};

TEST_F(BadTraceTest, AGoodTraceRuns) {
  const auto result = plan(write_trace("good.npy", {0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(BadTraceTest, AnExpertOutOfRangeIsNamed) {
  const auto result = plan(write_trace("range.npy", {0, 1, 2, 8}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("range.npy"));
  EXPECT_THAT(result.err, HasSubstr(": expert id 8"));
}

TEST_F(BadTraceTest, ANegativeExpertIsNamedWithItsToken) {
  const auto result = plan(write_trace("negative.npy", {0, 1, 2, 0x80 + 0x7e}, "|i1"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("token 1, layer 0, slot 1: expert id -2"));
}

TEST_F(BadTraceTest, AnEmptyOrForeignFileIsNamed) {
  for (const std::string content : {"", "not a trace"}) {
    const std::string path = fresh_folder("foreign.npy");
    std::ofstream(path) << content;
    const auto result = plan(path);
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, HasSubstr("foreign.npy"));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST_F(BadTraceTest, FewerTokensThanAStepAreSaid) {
  const auto result = plan(write_trace("few.npy", {0, 1}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("fewer than one step of 2"));
}

TEST_F(BadTraceTest, ADuplicateExpertInATokenIsNamed) {
  const auto result = plan(write_trace("twice.npy", {0, 1, 5, 5}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("twice.npy"));
}

TEST_F(BadTraceTest, ATruncatedFileIsNamed) {
  const std::string path = write_trace("short.npy", {0, 1, 2, 3});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto result = plan(path);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("short.npy"));
}

TEST(BadOutputTest, ARunFolderThatExistsIsKept) {
  const std::string dir = fresh_folder("run");
  std::filesystem::create_directories(dir);
  std::ofstream(dir + "/mine.txt") << "precious";
  const auto result = run_hotexpert({"sweep", kQuick, "--backend", "none", "-o", dir});
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr(dir));
  EXPECT_TRUE(std::filesystem::exists(dir + "/mine.txt"));
}

TEST(BadOutputTest, AFullDiskIsExitCodeFive) {
  const auto result = testing_support::run_program(
      {"/bin/sh", "-c",
       std::string(HOTEXPERT_BINARY_DIR) + "/hotexpert plan scenarios/quickstart.toml >/dev/full"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("No space left"));
}

}  // namespace
}  // namespace hotexpert
