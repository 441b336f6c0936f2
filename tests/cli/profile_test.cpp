#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/profiler/trace_schema.hpp"
#include "tests/support/program.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::fresh_folder;
using testing_support::run_hotexpert;

/// A layer that is computed in microseconds, and a batch whose loads are known to be skewed.
std::vector<std::string> tiny(std::vector<std::string> command) {
  for (const char* word : {"scenarios/quickstart.toml",
                           "--layer.d_model",
                           "32",
                           "--layer.d_ff",
                           "32",
                           "--layer.experts",
                           "8",
                           "--layer.top_k",
                           "2",
                           "--step.tokens",
                           "64",
                           "--step.count",
                           "1",
                           "--skew.model",
                           "zipf:exponent=1",
                           "--skew.target",
                           "none",
                           "--capacity.factor",
                           "1.5",
                           "--measure.budget_s",
                           "0.01",
                           "--threads",
                           "2",
                           "--kernel",
                           "padded"})
    command.emplace_back(word);
  return command;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// What a tool that listens to NVTX saw of a command; empty where the program was built without.
std::vector<std::string> nvtx_record(const std::vector<std::string>& command) {
  const std::string recorder = HOTEXPERT_BINARY_DIR "/libnvtx_recorder.so";
  if (!fs::exists(recorder)) return {};
  const std::string record = fresh_folder("nvtx") + ".record";
  const auto result = run_hotexpert(
      command, {"NVTX_INJECTION64_PATH=" + recorder, "HOTEXPERT_NVTX_RECORD=" + record});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  auto lines = lines_of(record);
  fs::remove(record);
  return lines;
}

/// Every range that was opened, with the ranges around it: "/sweep/point/step".
std::vector<std::string> paths_of(const std::vector<std::string>& lines) {
  std::vector<std::string> open;
  std::vector<std::string> paths;
  for (const auto& line : lines) {
    if (line == "pop hotexpert") {
      EXPECT_FALSE(open.empty());
      if (!open.empty()) open.pop_back();
      continue;
    }
    if (line.rfind("push ", 0) != 0) continue;
    EXPECT_THAT(line, StartsWith("push hotexpert/"));
    open.push_back("/" + line.substr(15, line.find(' ', 15) - 15));
    std::string path;
    for (const auto& range : open) path += range;
    paths.push_back(path);
  }
  EXPECT_TRUE(open.empty());
  return paths;
}

/// The first layer range with its payload.
std::string first_layer(const std::vector<std::string>& lines) {
  const auto found = std::ranges::find_if(
      lines, [](const auto& line) { return line.starts_with("push hotexpert/layer"); });
  return found == lines.end() ? "" : *found;
}

void expect_stages(const std::vector<std::string>& lines, std::initializer_list<const char*> all) {
  const auto paths = paths_of(lines);
  for (const char* path :
       {"/sweep", "/sweep/point", "/sweep/point/step", "/sweep/point/step/layer"})
    EXPECT_THAT(paths, testing::Contains(path));
  for (const char* stage : all)
    EXPECT_THAT(paths, testing::Contains("/sweep/point/step/layer/" + std::string(stage)));
}

TEST(NvtxTest, ASweepEmitsNestedRangesWithPayloads) {
  const auto lines = nvtx_record(tiny({"sweep", "-o", fresh_folder("nvtx-run")}));
  if (lines.empty()) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  expect_stages(lines, {"permute", "expert", "combine"});
  // 64 tokens, 2 of 8 experts each; capacity ceil(64 * 2 / 8 * 1.5) = 24 cuts the hottest.
  EXPECT_THAT(first_layer(lines), HasSubstr(" layer=0 tokens=64 "));
  EXPECT_THAT(first_layer(lines), HasSubstr(" max_load=24 capacity_factor=1.5 kernel=padded"));
}

TEST(NvtxTest, VirtualRanksEmitALayerForEveryDistinctLoad) {
  const auto lines = nvtx_record(tiny({"sweep", "--ep.ranks", "4", "--placement.method",
                                       "contiguous", "-o", fresh_folder("nvtx-virtual")}));
  if (lines.empty()) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  expect_stages(lines, {"permute", "expert", "combine"});
  // 8 experts on 4 ranks: two each.
  EXPECT_THAT(first_layer(lines), HasSubstr(" tokens=64 active_experts=2 "));
}

TEST(NvtxTest, EveryProcessOfAnExchangeEmitsItsRanges) {
  const std::string recorder = HOTEXPERT_BINARY_DIR "/libnvtx_recorder.so";
  if (!fs::exists(recorder)) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  if (!fs::exists(HOTEXPERT_BINARY_DIR "/hotexpert-ep"))
    GTEST_SKIP() << "MPI was not found (apt-get install libopenmpi-dev openmpi-bin)";
  const std::string folder = fresh_folder("nvtx-processes");
  fs::create_directories(folder);
  const auto result = run_hotexpert(
      tiny({"sweep", "--ep.ranks", "2", "--ep.exec", "mpi", "--placement.method", "contiguous",
            "-o", fresh_folder("nvtx-mpi")}),
      {"NVTX_INJECTION64_PATH=" + recorder, "HOTEXPERT_NVTX_RECORD=" + folder + "/%p"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  int ranks = 0;
  for (const auto& record : fs::directory_iterator(folder)) {
    const auto lines = lines_of(record.path());
    if (first_layer(lines).empty()) continue;  // the command that started the processes
    ++ranks;
    expect_stages(lines, {"permute", "all_to_all", "expert", "combine"});
    EXPECT_THAT(first_layer(lines), HasSubstr(" tokens=64 active_experts=4 "));
  }
  EXPECT_EQ(ranks, 2);
}

Json json_of(const testing_support::ProgramResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, "stdout");
}

std::vector<std::string> with(std::vector<std::string> words, std::vector<std::string> more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(ProfileCommandTest, TheLedgerAddsUpAndTilesAreCounted) {
  const Json found = json_of(run_hotexpert(with(tiny({"profile"}), {"--steps", "8", "--json"})));
  double sum = 0;
  for (const auto& entry : found.at("rows").as_array()) sum += entry.at("seconds").as_double();
  EXPECT_NEAR(sum, found.at("difference_s").as_double(), 1e-9);
  EXPECT_NEAR(found.at("measured_s").as_double() - found.at("control_s").as_double(),
              found.at("difference_s").as_double(), 1e-12);
  const auto& timeline = found.at("timeline");
  std::int64_t tiles = 0;
  double shares = 0;
  for (const auto& expert : timeline.at("experts").as_array()) {
    // d_ff = d_model = 32: one column block of each product; 24 rows fit one tile.
    EXPECT_EQ(expert.at("tiles").as_integer(), expert.at("computed_rows").as_integer() > 0 ? 2 : 0);
    tiles += expert.at("tiles").as_integer();
    shares += expert.at("share").as_double();
  }
  EXPECT_EQ(timeline.at("tiles").as_integer(), tiles);
  EXPECT_NEAR(shares, 1, 1e-9);
  EXPECT_LE(timeline.at("span_s").as_double(), timeline.at("expert_ffn_s").as_double());
  EXPECT_EQ(found.at("cupti").at("reached").as_integer(), 0);
  EXPECT_THAT(found.at("cupti").at("reasons").as_array().front().as_string(),
              HasSubstr("no device activity for CUPTI"));
}

TEST(ProfileCommandTest, PrintsTimelineLedgerAndRemarks) {
  const auto result = run_hotexpert(with(tiny({"profile"}), {"--steps", "6"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* text : {"tiles ended last, on worker", "Ledger: measured", "share of time",
                           "note: Kernels of this backend run on the host"})
    EXPECT_THAT(result.out, HasSubstr(text));
}

TEST(ProfileCommandTest, WritesATraceThatViewersAccept) {
  const std::string path = fresh_folder("trace") + ".json";
  const Json found = json_of(run_hotexpert(with(tiny({"profile"}), {"--trace", path, "--json"})));
  std::ifstream in(path);
  const Json trace = Json::parse(std::string(std::istreambuf_iterator<char>(in), {}), path);
  EXPECT_THAT(trace_schema_faults(trace), testing::IsEmpty());
  EXPECT_EQ(trace.at("otherData").at("kernel").as_string(), "padded");
  // The file holds the time that was measured: every tile, and the expert phase around them.
  double tiles_us = 0;
  double expert_us = 0;
  std::int64_t tiles = 0;
  for (const auto& event : trace.at("traceEvents").as_array()) {
    if (event.at("ph").as_string() != "X") continue;
    const auto& category = event.at("cat").as_string();
    const double us = event.at("dur").as_double();
    tiles += category == "tile" ? 1 : 0;
    tiles_us += category == "tile" ? us : 0;
    expert_us += event.at("name").as_string() == "expert" ? us : 0;
  }
  const auto& timeline = found.at("timeline");
  EXPECT_EQ(tiles, timeline.at("tiles").as_integer());
  EXPECT_NEAR(tiles_us, 1e6 * timeline.at("busy_s").as_double(), 0.01 * tiles_us);
  EXPECT_NEAR(expert_us, 1e6 * timeline.at("expert_ffn_s").as_double(), 0.01 * expert_us);
  fs::remove(path);
}

TEST(ProfileCommandTest, WritesARunFolderThatReportDraws) {
  const std::string run = fresh_folder("profile-run");
  EXPECT_EQ(run_hotexpert(with(tiny({"profile"}), {"-o", run})).exit_code, 0);
  const auto report = run_hotexpert({"report", run, "--json"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("ledger.capacity_padding_s"));
  EXPECT_EQ(run_hotexpert(with(tiny({"profile"}), {"-o", run})).exit_code, 2)
      << "an old run is not overwritten";
}

TEST(ProfileCommandTest, ARefusedPointLeavesNoFolderBehind) {
  for (const auto& refused : {std::vector<std::string>{"--kernel", "no-such"},
                              {"--backend", "model"},
                              {"--layer.dtype", "bf16", "--kernel", "eigen-padded"},
                              {"--ep.ranks", "2", "--ep.exec", "mpi"}}) {
    const std::string run = fresh_folder("refused");
    const auto result = run_hotexpert(with(with(tiny({"profile"}), refused), {"-o", run}));
    EXPECT_NE(result.exit_code, 0) << refused.front();
    EXPECT_FALSE(fs::exists(run)) << refused.front();
  }
}

TEST(ProfileCommandTest, DoubtsStandOnTheFaceAndInTheJson) {
  // A batch against one that is as balanced as its control: nothing but noise.
  auto even = tiny({"profile"});
  std::ranges::replace(even, "zipf:exponent=1", "uniform");
  std::ranges::replace(even, "padded", "grouped");
  const Json found = json_of(run_hotexpert(with(even, {"--json"})));
  if (found.at("resolved").as_bool()) GTEST_SKIP() << "noise looked like a difference this time";
  const auto& warning = found.at("warnings").as_array().front();
  EXPECT_EQ(warning.at("name").as_string(), "unresolved");
  EXPECT_THAT(warning.at("text").as_string(), HasSubstr("Take more --steps"));
  EXPECT_TRUE(found.at("unexplained_fraction").is_number());
  EXPECT_TRUE(found.at("clock_hz").at("measured").is_number());
}

TEST(ProfileCommandTest, PrintsNsightCommandsForTheSlowestStage) {
  const auto ncu = run_hotexpert(with(tiny({"profile"}), {"--emit", "ncu"}));
  EXPECT_EQ(ncu.exit_code, 0) << ncu.err;
  EXPECT_THAT(ncu.out, HasSubstr("ncu --profile-from-start off --nvtx --nvtx-include hotexpert@"));
  EXPECT_THAT(ncu.out, HasSubstr("--clock-control none"));
  EXPECT_THAT(ncu.out, HasSubstr("--kernel padded --profile-once\n# "));
  const auto nsys = run_hotexpert(with(tiny({"profile"}), {"--emit", "nsys"}));
  EXPECT_THAT(nsys.out, StartsWith("nsys profile --trace=cuda,nvtx,osrt "
                                   "--capture-range=cudaProfilerApi"));
  EXPECT_EQ(run_hotexpert(with(tiny({"profile"}), {"--emit", "perf"})).exit_code, 2);
}

TEST(ProfileCommandTest, OnceIsOnePassForAProfilerOutside) {
  const auto command = with(tiny({"profile"}), {"--profile-once"});
  const auto result = run_hotexpert(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1 passes"));
  EXPECT_THAT(result.out, HasSubstr("'cpu' has no cudaProfilerStart"));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("Ledger")));
  const auto lines = nvtx_record(command);
  if (lines.empty()) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  EXPECT_EQ(std::ranges::count(lines, "push hotexpert/step"), 1);
}

TEST(ProfileCommandTest, AProfilerThatWatchesIsNoticed) {
  const std::string recorder = HOTEXPERT_BINARY_DIR "/libnvtx_recorder.so";
  if (!fs::exists(recorder)) GTEST_SKIP() << "built without the NVTX headers (CUDA Toolkit)";
  // Tools are known by what they load into the process: here a library of that name.
  const std::string folder = fresh_folder("injected");
  fs::create_directories(folder);
  const std::string library = folder + "/libToolsInjection64.so";
  fs::copy_file(recorder, library);
  const auto result = run_hotexpert(
      tiny({"profile"}),
      {"NVTX_INJECTION64_PATH=" + library, "HOTEXPERT_NVTX_RECORD=" + folder + "/record"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("nsys watches this process: one pass runs"));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("Ledger")));
}

TEST(ProfileCommandTest, SaysWhatIsWrongWithItsArguments) {
  const auto refused = [](std::vector<std::string> more, int exit_code, const char* text) {
    const auto result = run_hotexpert(with({"profile"}, std::move(more)));
    EXPECT_EQ(result.exit_code, exit_code) << result.out;
    EXPECT_THAT(result.err, HasSubstr(text));
  };
  refused({}, 2, "which scenario?");
  refused({"scenarios/profile.toml"}, 2, "choose one with --point: 0 (kernel=grouped), 1 (");
  refused({"scenarios/profile.toml", "--point", "2"}, 2, "has points 0 to 1, not 2");
  refused({"scenarios/profile.toml", "--point", "0", "--steps", "3"}, 2, "--steps: 3 is outside");
  refused({"scenarios/profile.toml", "--point", "0", "--level", "x"}, 2, "none of events");
  refused({"scenarios/profile.toml", "--point", "0", "--kernel", "no-such"}, 2, "no-such");
  refused({"--import", "scenarios/profile.toml"}, 3, "no header with the columns");
  refused({"--import", "no-such-file"}, 3, "cannot be opened");
}

TEST(ProfileCommandTest, ADeviceThatIsNotHereIsOneSentenceAndExitCode4) {
  const auto result =
      run_hotexpert({"profile", "scenarios/profile.toml", "--point", "0", "--backend", "cuda"});
  if (result.exit_code == 0) GTEST_SKIP() << "a CUDA device is here";
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_THAT(result.err, StartsWith("hotexpert: backend 'cuda': "));
  // The command for the machine that has one is printed all the same.
  const auto emitted = run_hotexpert(
      {"profile", "scenarios/profile.toml", "--point", "0", "--backend", "cuda", "--emit", "ncu"});
  EXPECT_EQ(emitted.exit_code, 0) << emitted.err;
  EXPECT_THAT(emitted.out, HasSubstr("--nvtx-include hotexpert@expert/ "));
  EXPECT_THAT(emitted.out, HasSubstr("--backend cuda --profile-once"));
  EXPECT_THAT(emitted.err, HasSubstr("range `expert` is taken for the slowest"));
}

TEST(ProfileCommandTest, CountersOfAReportBecomeARunFolder) {
  const std::string path = fresh_folder("counters") + ".csv";
  std::ofstream(path) << "\"ID\",\"Kernel Name\",\"dram__bytes.sum\",\"gpu__time_duration.sum\"\n"
                         "\"\",\"\",\"Mbyte\",\"us\"\n\"0\",\"gemm\",\"1.5\",\"20\"\n";
  const std::string run = fresh_folder("counter-run");
  const auto result =
      run_hotexpert(with(tiny({"profile"}), {"--import", path, "-o", run, "--roof", "h100-sxm"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto report = run_hotexpert({"report", run, "--json"});
  EXPECT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(report.out, HasSubstr("counter.intensity"));
  EXPECT_THAT(report.out, HasSubstr("roof.bytes_per_s"));
  fs::remove(path);
}

TEST(ProfileCommandTest, JoinsAnNcuReportWithThePlannedLoads) {
  const std::string path = fresh_folder("ncu") + ".csv";
  std::ofstream(path)
      << "\"ID\",\"Kernel Name\",\"thread Domain:Push/Pop_Range:PL_Type\",\"Section "
         "Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n"
         "\"0\",\"gemm\",\"1  \"\"hotexpert:expert:none\"\"\",\"GPU Speed Of Light "
         "Throughput\",\"Duration\",\"us\",\"12.5\"\n";
  const Json found = json_of(run_hotexpert(with(tiny({"profile"}), {"--import", path, "--json"})));
  const auto& row = found.at("rows").as_array().front();
  EXPECT_EQ(row.at("stage").as_string(), "expert");
  EXPECT_NEAR(row.at("seconds").as_double(), 12.5e-6, 1e-12);
  EXPECT_GT(row.at("load.max_over_mean").as_double(), 1);
  EXPECT_EQ(row.at("metrics").at("Duration").at("value").as_double(), 12.5);
  fs::remove(path);
}

}  // namespace
}  // namespace hotexpert
