#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "profiler/nsight_commands.hpp"
#include "profiler/nsight_counters.hpp"
#include "profiler/nsight_import.hpp"
#include "profiler/nsight_join.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(NsightCommandTest, NsysCapturesOnePass) {
  const auto made = nsys_command(
      {"hotexpert", "skew.toml", "3", {"--kernel", "loop"}, RangeName::kExpert, "out"});
  EXPECT_EQ(made.command,
            "nsys profile --trace=cuda,nvtx,osrt --capture-range=cudaProfilerApi "
            "--capture-range-end=stop --force-overwrite=true --output=out hotexpert profile "
            "skew.toml --point 3 --kernel loop --profile-once");
  EXPECT_THAT(made.advice, HasSubstr("range `expert`"));
  EXPECT_THAT(made.advice, HasSubstr("nsys export --type sqlite --include-blobs=true out.nsys-rep"))
      << "payloads are blobs";
}

TEST(NsightCommandTest, NcuFiltersTheRangeAndLeavesTheClockAlone) {
  const auto made = ncu_command({"hotexpert", "my skew.toml", "3", {}, RangeName::kCombine, "out"});
  EXPECT_THAT(made.command,
              StartsWith("ncu --profile-from-start off --nvtx --nvtx-include hotexpert@combine/ "
                         "--clock-control none --cache-control none "));
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

/// Columns of the details page of a profile with ranges and rules.
constexpr const char* kDetails =
    "\"ID\",\"Process ID\",\"Process Name\",\"Host Name\",\"thread Domain:Push/Pop_Range:PL_Type:"
    "PL_Value:CLR_Type:Color:Msg_Type:Msg\",\"Id:Domain:Start/Stop_Range:PL_Type:PL_Value:CLR_Type:"
    "Color:Msg_Type:Msg\",\"Kernel Name\",\"Context\",\"Stream\",\"Block Size\",\"Grid Size\","
    "\"Device\",\"CC\",\"Section Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\",\"Rule "
    "Name\",\"Rule Type\",\"Rule Description\",\"Estimated Speedup Type\",\"Estimated Speedup\"\n";

std::string details_line(const char* id, const char* metric, const char* unit, const char* value) {
  return std::string("\"") + id +
         "\",\"4711\",\"hotexpert\",\"127.0.0.1\",\"4711  \"\"hotexpert:layer:none:none:none:none:"
         "none:none\"\"  \"\"hotexpert:expert:none:none:none:none:none:none\"\" \",\"\","
         "\"grouped_gemm_kernel<2, 1>(CUtensorMap, GroupedGemm)\",\"1\",\"7\",\"(384, 1, 1)\","
         "\"(132, 1, 1)\",\"0\",\"9.0\",\"Command line profiler metrics\",\"" +
         metric + "\",\"" + unit + "\",\"" + value + "\",\"\",\"\",\"\",\"\",\"\"\n";
}

TEST(NcuCsvTest, ReadsAWholeDetailsPageBehindWhatTheProgramSaid) {
  const auto values = read_ncu_csv(
      "==PROF== Connected to process 4711\n"
      "point 1: 3.5\" wide, kernel grouped\n"  // a lone quotation mark
      "==PROF== Disconnected from process 4711\n" +
          std::string(kDetails) + details_line("0", "dram__bytes.sum", "Mbyte", "1,205.50") +
          details_line("0", "gpu__time_duration.sum", "us", "88.13") +
          details_line("0", "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", "",
                       "n/a") +
          details_line("0", "", "", ""),  // of a rule
      "r.csv");
  ASSERT_EQ(values.size(), 2U);
  EXPECT_EQ(values[0].stage, "expert");
  EXPECT_EQ(values[0].section, "Command line profiler metrics");
  EXPECT_EQ(values[0].value, 1205.5);
  EXPECT_EQ(values[1].metric, "gpu__time_duration.sum");
  EXPECT_THAT(message_of([] {
                read_ncu_csv(std::string("a \"quoted word\n\n") + kDetails + "\"0\"\n", "r.csv");
              }),
              HasSubstr("r.csv:4: 1 fields"))
      << "lines are counted from the file's first";
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
