#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "sim/base/json.hpp"
#include "tests/devices/faulty_device.hpp"
#include "tests/support/small_lab.hpp"

namespace hotexpert {
namespace {

using test::last_word;
using test::outcomes;
using test::run_on_fake;
using test::seen_points;
using test::small_sweep;
using testing::HasSubstr;
using testing_support::fresh_folder;

TEST(FaultyDeviceProgram, AWellDeviceRunsEveryPoint) {
  const std::string dir = fresh_folder("run");
  const auto result = run_on_fake(small_sweep(dir));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(outcomes(seen_points(dir)), "ok ok ok");
  for (const auto& point : seen_points(dir)) EXPECT_TRUE(point.timed);
}

TEST(FaultyDeviceProgram, StartsWithoutADeviceAndSaysWhyInOneSentence) {
  for (const auto& [faults, cause] :
       {std::pair{"driver=0", "no NVIDIA driver is loaded; install one"},
        std::pair{"driver=12040", "serves CUDA 12.4 at most"},
        std::pair{"devices=0", "no CUDA device is visible"},
        std::pair{"fail=1 code=46 only=cudaGetDeviceProperties", "does not answer"}}) {
    const std::string dir = fresh_folder("run");
    const auto swept = run_on_fake(small_sweep(dir), faults);
    EXPECT_EQ(swept.exit_code, 4) << faults;
    EXPECT_THAT(last_word(swept), HasSubstr(cause));
    EXPECT_THAT(last_word(swept), HasSubstr("backend cpu"));
    EXPECT_FALSE(std::filesystem::exists(dir)) << "a folder without points";
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"doctor"}, {"list", "backends"}, {"--version"}}) {
      const auto started = run_on_fake(args, faults);
      EXPECT_EQ(started.exit_code, 0) << faults << ' ' << args.front() << started.err;
    }
    EXPECT_THAT(run_on_fake({"doctor"}, faults).out, HasSubstr(cause));
    const auto elsewhere =
        run_on_fake(small_sweep(dir, {"--backend", "auto", "--kernel", "loop"}), faults);
    EXPECT_EQ(elsewhere.exit_code, 0) << faults << elsewhere.err;
    EXPECT_EQ(outcomes(seen_points(dir)), "ok ok ok");
  }
}

TEST(FaultyDeviceProgram, AMissingLibrarySkipsItsKernelsAndNoOthers) {
  const std::string dir = fresh_folder("run");
  const auto result =
      run_on_fake(small_sweep(dir, {"--kernel", "loop,grouped", "--step.tokens", "8"}),
                  "missing=libcublas.so.13");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto points = seen_points(dir);
  ASSERT_EQ(outcomes(points), "skipped ok");
  EXPECT_THAT(points[0].reason, HasSubstr("libcublas.so.13 was not found; install"));
}

TEST(FaultyDeviceProgram, ADeviceTooSmallSkipsEveryPointWithTheBytesItNeeds) {
  const std::string dir = fresh_folder("run");
  const auto result = run_on_fake(small_sweep(dir), "memory=300000");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  ASSERT_EQ(outcomes(seen_points(dir)), "skipped skipped skipped");
  EXPECT_THAT(seen_points(dir)[0].reason, HasSubstr("GiB of device memory"));
}

/// Of the calls of a sweep, the n-th of so many kinds: those that a point makes.
std::vector<std::string> some_calls() {
  std::vector<std::string> calls;
  for (const char* name :
       {"cudaMemGetInfo", "cudaMalloc", "cudaMemset", "cudaMemcpy", "cudaStreamCreateWithFlags",
        "cudaEventCreateWithFlags", "cudaStreamBeginCapture", "cudaStreamEndCapture",
        "cudaGraphInstantiate", "cudaGraphLaunch", "cudaEventRecord", "cudaEventElapsedTime",
        "cudaStreamQuery", "clock_stamp", "grouped_plain", "normal_rows", "layout"})
    for (const char* n : {"1", "2", "5"})
      calls.push_back("fail=" + std::string(n) + " only=" + name);
  return calls;
}

TEST(FaultyDeviceProgram, AnIllegalAddressStopsTheSweepAndKeepsWhatIsFinished) {
  int stopped = 0;
  for (const auto& call : some_calls()) {
    const std::string dir = fresh_folder("run");
    const auto result = run_on_fake(small_sweep(dir), call + " code=700 sticky=1");
    if (result.exit_code == 0) continue;  // so many such calls are not made
    ++stopped;
    ASSERT_EQ(result.exit_code, 4) << call << '\n' << result.err;
    EXPECT_THAT(last_word(result), HasSubstr("cudaErrorIllegalAddress"));
    EXPECT_THAT(last_word(result), HasSubstr("go on with --resume"));
    const auto points = seen_points(dir);
    ASSERT_FALSE(points.empty()) << call;
    EXPECT_EQ(points.back().outcome, "failed") << call;
    EXPECT_THAT(points.back().reason, HasSubstr("cudaErrorIllegalAddress")) << call;
    EXPECT_FALSE(points.back().timed) << call;
    for (std::size_t i = 0; i + 1 < points.size(); ++i) EXPECT_EQ(points[i].outcome, "ok") << call;
    EXPECT_EQ(run_on_fake(small_sweep(dir, {"--resume"})).exit_code, 0) << call;
    EXPECT_EQ(outcomes(seen_points(dir)), "ok ok ok") << call;
  }
  EXPECT_GE(stopped, 40);
}

TEST(FaultyDeviceProgram, AFailureThatPassesFailsItsPointAndTheSweepGoesOn) {
  for (const char* name : {"grouped_plain", "cudaGraphInstantiate", "cudaGraphLaunch", "cudaMemcpy",
                           "clock_stamp", "cudaEventElapsedTime", "cudaStreamEndCapture"}) {
    const std::string dir = fresh_folder("run");
    const auto result = run_on_fake(small_sweep(dir), "fail=1 code=701 only=" + std::string(name));
    EXPECT_EQ(result.exit_code, 1) << name << result.err;
    const auto points = seen_points(dir);
    ASSERT_EQ(outcomes(points), "failed ok ok") << name;
    EXPECT_THAT(points[0].reason, HasSubstr("the CUDA device failed with")) << name;
    EXPECT_FALSE(points[0].timed) << name;
  }
}

TEST(FaultyDeviceProgram, RunningOutOfMemorySkipsThePointAndTheSweepGoesOn) {
  for (const char* n : {"1", "4", "9", "30"}) {
    const std::string dir = fresh_folder("run");
    const auto result =
        run_on_fake(small_sweep(dir), "code=2 only=cudaMalloc fail=" + std::string(n));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto points = seen_points(dir);
    ASSERT_EQ(outcomes(points), "skipped ok ok") << n;
    EXPECT_THAT(points[0].reason, HasSubstr("not enough memory")) << n;
  }
}

TEST(FaultyDeviceProgram, AHangEndsThePointAndTheProcessWithinTheLimit) {
  setenv("HOTEXPERT_DEVICE_TIMEOUT_S", "0.2", 1);
  for (const int call : {60, 120, 200, 300}) {
    const std::string dir = fresh_folder("run");
    const auto begin = std::chrono::steady_clock::now();
    std::string hang;
    // Not every call puts work on a stream: the next that does.
    testing_support::ProgramResult result;
    for (int n = call; n < call + 20 && result.exit_code != 4; ++n) {
      std::filesystem::remove_all(dir);
      result = run_on_fake(small_sweep(dir), "hang=" + std::to_string(n));
    }
    ASSERT_EQ(result.exit_code, 4) << result.err;
    EXPECT_LT(std::chrono::steady_clock::now() - begin,
              std::chrono::seconds(110));  // not the default
    EXPECT_THAT(last_word(result), HasSubstr("did not finish within 0.2 s and was given up"));
    EXPECT_THAT(last_word(result), HasSubstr("--resume"));
    const auto points = seen_points(dir);
    ASSERT_FALSE(points.empty());
    EXPECT_EQ(points.back().outcome, "failed");
    EXPECT_THAT(points.back().reason, HasSubstr("did not finish within"));
    EXPECT_EQ(run_on_fake(small_sweep(dir, {"--resume"})).exit_code, 0);
    EXPECT_EQ(outcomes(seen_points(dir)), "ok ok ok");
  }
  unsetenv("HOTEXPERT_DEVICE_TIMEOUT_S");
}

TEST(FaultyDeviceProgram, ATrainedRouterIsKeptWhenTheDeviceThatTimesItFails) {
  for (const char* faults :
       {"fail=1 code=700 sticky=1 only=grouped_plain", "fail=3 code=2 only=cudaMalloc"}) {
    const std::string dir = fresh_folder("lab");
    const auto result = run_on_fake(
        testing_support::train_small_lab({"--train.method", "none,megatron", "--train.weight",
                                          "0.01", "--backend", "cuda", "--kernel", "grouped-plain",
                                          "--measure.budget_s", "0.02", "--jobs", "1", "-o", dir}),
        faults);
    EXPECT_EQ(result.exit_code, 0) << faults << result.err;
    EXPECT_EQ(outcomes(seen_points(dir)), "ok ok") << faults;
    EXPECT_THAT(seen_points(dir)[0].warnings,
                testing::Contains(HasSubstr("grouped-plain was not timed: ")))
        << faults;
    EXPECT_THAT(result.err, HasSubstr(" of 2 points grouped-plain was not timed: ")) << faults;
  }
}

/// `profile` of the first point, with the words of one object.
testing_support::ProgramResult profiled(const std::string& faults,
                                        const std::vector<std::string>& more = {}) {
  auto args = small_sweep("unused", {"--point", "0", "--json"});
  args.front() = "profile";
  args.erase(args.begin() + 4, args.begin() + 6);  // -o
  args.insert(args.end(), more.begin(), more.end());
  return run_on_fake(args, faults);
}

TEST(FaultyDeviceProgram, ProfilesSayWhatCuptiRefusedOrLost) {
  struct Case {
    const char* faults;
    const char* said;
    int reached;
    bool complete;
  };
  for (const auto& [faults, said, reached, complete] :
       {Case{"", "", 1, true},
        Case{"cupti=denied", "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES", 0, false},
        Case{"cupti=busy", "no second tool", 0, false},
        Case{"cupti=silent", "CUPTI delivered none of", 0, false},
        Case{"cupti=drops", "kernel records were lost for want of buffers", 1, false},
        Case{"missing=libcupti.so.13", "libcupti.so.13 was not found: install", 0, false}}) {
    const auto result = profiled(faults);
    ASSERT_EQ(result.exit_code, 0) << faults << result.err;
    const Json json = Json::parse(result.out, "profile");
    const Json& cupti = json.at("cupti");
    EXPECT_EQ(cupti.at("reached").as_integer(), reached) << faults;
    EXPECT_TRUE(reached == 0 || cupti.at("complete").as_bool() == complete) << faults;
    EXPECT_THAT(result.out, HasSubstr(said)) << faults;
  }
  const auto counters = profiled("", {"--level", "counters"});
  ASSERT_EQ(counters.exit_code, 0) << counters.err;
  EXPECT_THAT(counters.out, HasSubstr("Hardware counters need permission"));
}

TEST(FaultyDeviceProgram, AProfilerThatWatchesFromOutsideKeepsOursOff) {
  const std::string library = fresh_folder("libToolsInjection64.so");
  std::ofstream(library) << "not loaded, only mapped";
  const auto result = profiled("mapped=" + library);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("nsys watches this process"));
}

TEST(FaultyDeviceProgram, AProfileOfALayerThatFailsIsNoProfile) {
  for (const char* faults :
       {"fail=1 code=2 only=cudaMalloc", "fail=1 code=700 sticky=1 only=grouped_plain",
        "fail=1 code=999 only=cudaGraphInstantiate"}) {
    const auto result = profiled(faults);
    EXPECT_EQ(result.exit_code, 4) << faults << result.err;
    EXPECT_EQ(result.out, "") << faults;
    EXPECT_NE(last_word(result), "") << faults;
  }
}

}  // namespace
}  // namespace hotexpert
