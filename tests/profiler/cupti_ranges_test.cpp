#include "profiler/cupti_ranges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What the fake library saw and what it answers. One for the process: its functions are plain C.
struct FakeLibrary {
  std::vector<std::string> calls;
  std::string fails;  ///< the call that fails
  CUptiResult failure = CUPTI_ERROR_UNKNOWN;
  std::size_t passes = 1;
  std::size_t dropped = 0;
  std::uint8_t all_passes = 1;
  std::string unknown_metric;
  std::vector<std::string> ranges;
};
FakeLibrary fake;

CUptiResult answer(const char* call) {
  fake.calls.emplace_back(call);
  return fake.fails == call ? fake.failure : CUPTI_SUCCESS;
}

/// A literal as a template argument.
template <std::size_t kSize>
struct Text {
  char chars[kSize]{};
  constexpr Text(const char (&text)[kSize]) { std::copy_n(text, kSize, chars); }
};

/// A call that needs nothing of its parameters but their size.
template <class Params, Text kCall>
CUptiResult CUPTIAPI plain(Params* params) {
  EXPECT_GT(params->structSize, 0U) << kCall.chars;
  return answer(kCall.chars);
}

CuptiFunctions functions_of_fake() {
  CuptiFunctions f;
  f.result_string = [](CUptiResult, const char** text) {
    return *text = "CUPTI_ERROR_FAKE", CUPTI_SUCCESS;
  };
  f.profiler_initialize = plain<CUpti_Profiler_Initialize_Params, "initialize">;
  f.profiler_deinitialize = plain<CUpti_Profiler_DeInitialize_Params, "deinitialize">;
  f.host_deinitialize = plain<CUpti_Profiler_Host_Deinitialize_Params, "host deinitialize">;
  f.host_add_metrics = plain<CUpti_Profiler_Host_ConfigAddMetrics_Params, "host add">;
  f.host_image = plain<CUpti_Profiler_Host_GetConfigImage_Params, "host image">;
  f.range_disable = plain<CUpti_RangeProfiler_Disable_Params, "disable">;
  f.range_data_initialize =
      plain<CUpti_RangeProfiler_CounterDataImage_Initialize_Params, "data initialize">;
  f.range_start = plain<CUpti_RangeProfiler_Start_Params, "start">;
  f.range_pop = plain<CUpti_RangeProfiler_PopRange_Params, "pop">;
  f.chip_name = [](CUpti_Device_GetChipName_Params* params) {
    EXPECT_EQ(params->deviceIndex, 2U);
    params->pChipName = "GH100";
    return answer("chip");
  };
  f.counter_availability = [](CUpti_Profiler_GetCounterAvailability_Params* params) {
    params->counterAvailabilityImageSize = 16;
    return answer("availability");
  };
  f.host_initialize = [](CUpti_Profiler_Host_Initialize_Params* params) {
    EXPECT_STREQ(params->pChipName, "GH100");
    EXPECT_NE(params->pCounterAvailabilityImage, nullptr);
    return answer("host initialize");
  };
  f.host_metric_properties = [](CUpti_Profiler_Host_GetMetricProperties_Params* params) {
    return params->pMetricName == fake.unknown_metric ? CUPTI_ERROR_INVALID_METRIC_NAME
                                                      : CUPTI_SUCCESS;
  };
  f.host_image_size = [](CUpti_Profiler_Host_GetConfigImageSize_Params* params) {
    params->configImageSize = 32;
    return answer("host image size");
  };
  f.host_num_passes = [](CUpti_Profiler_Host_GetNumOfPasses_Params* params) {
    params->numOfPasses = fake.passes;
    return answer("host passes");
  };
  f.host_evaluate = [](CUpti_Profiler_Host_EvaluateToGpuValues_Params* params) {
    for (std::size_t i = 0; i < params->numMetrics; ++i)
      params->pMetricValues[i] =
          10.0 * static_cast<double>(params->rangeIndex + 1) + static_cast<double>(i);
    return answer("evaluate");
  };
  f.range_enable = [](CUpti_RangeProfiler_Enable_Params* params) {
    params->pRangeProfilerObject = reinterpret_cast<CUpti_RangeProfiler_Object*>(&fake);
    return answer("enable");
  };
  f.range_data_size = [](CUpti_RangeProfiler_GetCounterDataSize_Params* params) {
    EXPECT_EQ(params->numMetrics, 2U);
    params->counterDataSize = 64;
    return answer("data size");
  };
  f.range_set_config = [](CUpti_RangeProfiler_SetConfig_Params* params) {
    EXPECT_EQ(params->range, CUPTI_UserRange);
    EXPECT_EQ(params->replayMode, CUPTI_UserReplay);
    EXPECT_EQ(params->configSize, 32U);
    EXPECT_EQ(params->counterDataImageSize, 64U);
    return answer("config");
  };
  f.range_push = [](CUpti_RangeProfiler_PushRange_Params* params) {
    fake.ranges.emplace_back(params->pRangeName);
    return answer("push");
  };
  f.range_stop = [](CUpti_RangeProfiler_Stop_Params* params) {
    params->isAllPassSubmitted = fake.all_passes;
    return answer("stop");
  };
  f.range_decode = [](CUpti_RangeProfiler_DecodeData_Params* params) {
    params->numOfRangeDropped = fake.dropped;
    return answer("decode");
  };
  f.range_data_info = [](CUpti_RangeProfiler_GetCounterDataInfo_Params* params) {
    params->numTotalRanges = fake.ranges.size() - fake.dropped;
    return answer("info");
  };
  f.range_info = [](CUpti_RangeProfiler_CounterData_GetRangeInfo_Params* params) {
    params->rangeName = fake.ranges.at(params->rangeIndex).c_str();
    return answer("range");
  };
  return f;
}

class CuptiRangesTest : public testing::Test {
 protected:
  CuptiRangesTest() : functions(functions_of_fake()) { fake = {}; }
  std::string start() { return ranges.start({reinterpret_cast<CUcontext>(this), 2, ""}, metrics); }

  CuptiFunctions functions;
  CuptiRanges ranges{functions};
  std::vector<std::string_view> metrics = {"dram__bytes.sum", "sm__cycles_active.max"};
};

TEST_F(CuptiRangesTest, ReadsEveryRangeInOnePassAndGivesAllBack) {
  ASSERT_EQ(start(), "");
  for (const char* name : {"route", "expert"}) {
    EXPECT_EQ(ranges.begin(name), "");
    EXPECT_EQ(ranges.end(), "");
  }
  const auto batch = ranges.stop();
  EXPECT_EQ(batch.reason, "");
  ASSERT_EQ(batch.ranges.size(), 2U);
  EXPECT_EQ(batch.ranges[1].range, "expert");
  EXPECT_EQ(batch.ranges[1].values[0].metric, "dram__bytes.sum");
  EXPECT_EQ(batch.ranges[1].values[0].value, 20);
  EXPECT_EQ(batch.ranges[1].values[1].value, 21);
  EXPECT_THAT(fake.calls,
              ElementsAre("initialize", "chip", "availability", "availability", "host initialize",
                          "host add", "host image size", "host image", "host passes", "enable",
                          "data size", "data initialize", "config", "start", "push", "pop", "push",
                          "pop", "stop", "decode", "info", "range", "evaluate", "range", "evaluate",
                          "disable", "host deinitialize", "deinitialize"));
}

TEST_F(CuptiRangesTest, CallsNothingAfterAFailedInitialisation) {
  fake.fails = "initialize";
  EXPECT_EQ(start(),
            "CUPTI failed when its profiler was initialised (CUPTI_ERROR_FAKE): counters were not "
            "read.");
  EXPECT_THAT(fake.calls, ElementsAre("initialize"));
}

TEST_F(CuptiRangesTest, GivesBackWhatItTookWhereverStartingFails) {
  for (const char* call :
       {"chip", "availability", "host initialize", "host add", "host image size", "host image",
        "host passes", "enable", "data size", "data initialize", "config", "start"}) {
    fake = {};
    fake.fails = call;
    EXPECT_THAT(start(), HasSubstr("CUPTI_ERROR_FAKE")) << call;
    EXPECT_EQ(fake.calls.back(), "deinitialize") << call;
    const auto count = [](const char* name) { return std::ranges::count(fake.calls, name); };
    EXPECT_EQ(count("disable"), std::string_view(call) != "enable" && count("enable") > 0 ? 1 : 0)
        << call;
    EXPECT_THAT(ranges.stop().ranges, IsEmpty()) << call;
  }
}

TEST_F(CuptiRangesTest, SaysWhatToDoAboutPermissionsAndOtherProfilers) {
  fake.fails = "enable";
  fake.failure = CUPTI_ERROR_INSUFFICIENT_PRIVILEGES;
  EXPECT_THAT(start(), HasSubstr("NVreg_RestrictProfilingToAdminUsers=0"));
  fake.failure = CUPTI_ERROR_HARDWARE_BUSY;
  EXPECT_THAT(start(), HasSubstr("Another profiler holds the hardware counters"));
}

TEST_F(CuptiRangesTest, RefusesMetricsThatAreAbsentOrNeedSeveralPasses) {
  fake.unknown_metric = "sm__cycles_active.max";
  EXPECT_EQ(start(), "The device (GH100) cannot count 'sm__cycles_active.max'.");
  fake = {};
  fake.passes = 3;
  EXPECT_EQ(start(), "The counters need 3 passes on GH100, and a step runs once: none was read.");
}

TEST_F(CuptiRangesTest, ReadsNothingWhenAPassIsMissingOrDecodingFails) {
  ASSERT_EQ(start(), "");
  fake.all_passes = 0;
  EXPECT_THAT(ranges.stop().reason, HasSubstr("wants a further pass"));
  for (const char* call : {"stop", "decode", "info", "range", "evaluate"}) {
    fake = {};
    ASSERT_EQ(start(), "");
    ranges.begin("expert");
    ranges.end();
    fake.fails = call;
    EXPECT_THAT(ranges.stop().reason, HasSubstr("CUPTI_ERROR_FAKE")) << call;
    EXPECT_EQ(fake.calls.back(), "deinitialize") << call;
  }
}

TEST_F(CuptiRangesTest, CountsDroppedRanges) {
  ASSERT_EQ(start(), "");
  for (const char* name : {"route", "expert"}) {
    ranges.begin(name);
    ranges.end();
  }
  fake.dropped = 1;
  const auto batch = ranges.stop();
  EXPECT_EQ(batch.dropped, 1);
  EXPECT_EQ(batch.ranges.size(), 1U);
}

TEST_F(CuptiRangesTest, WithoutAContextNothingIsCalled) {
  EXPECT_EQ(ranges.start({nullptr, 0, "No CUDA driver is loaded in this process."}, metrics),
            "No CUDA driver is loaded in this process. Counters need one.");
  EXPECT_THAT(fake.calls, IsEmpty());
}

}  // namespace
}  // namespace hotexpert
