#include "sim/traces/trace_summary.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"
#include "sim/traces/trace_writer.hpp"
#include "tests/sim/traces/trace_files.hpp"
#include "tests/support/limited_child.hpp"

namespace hotexpert {
namespace {

TEST(TraceSummaryTest, AgreesWithTheLoadMetricsOfTheSameSteps) {
  SyntheticSpec spec;
  spec.num_experts = 20;
  spec.top_k = 3;
  spec.layers = 4;
  spec.tokens = 1030;
  spec.model = "domains:run=20";
  const auto arrays = arrays_of(*make_synthetic_trace(spec));
  const auto summary = summarize(arrays, 20, 100);
  const auto trace = make_recorded_trace(arrays, {.num_experts = 20, .tokens_per_step = 100});
  std::map<std::string, double> expected;
  for (const auto& m : load_metrics(count_loads(*trace), ExpertPlacement::contiguous(20))) {
    expected[m.metric] = m.value;
  }
  EXPECT_EQ(summary.steps, 10);
  EXPECT_NEAR(summary.overall.max_over_mean, expected["load.max_over_mean"], 1e-12);
  EXPECT_NEAR(summary.overall.cv, expected["load.cv"], 1e-12);
  EXPECT_NEAR(summary.overall.gini, expected["load.gini"], 1e-12);
  EXPECT_NEAR(summary.overall.active_experts, expected["load.active_experts"], 1e-12);
  const auto whole = make_recorded_trace(arrays, {.num_experts = 20, .tokens_per_step = 1030});
  BatchBuffer buffer;
  for (int layer = 0; layer < 4; ++layer) {
    const auto batch = whole->read(0, layer, buffer);
    std::vector<std::int64_t> load(20);
    count_load(batch, load);
    const auto& of = summary.layers[static_cast<std::size_t>(layer)];
    EXPECT_NEAR(of.token_overlap.value(), token_overlap(batch), 1e-12);
    EXPECT_NEAR(of.max_vio_global, max_vio(load), 1e-12);
    EXPECT_EQ(of.assignments, 1030 * 3);
  }
}

TEST(TraceSummaryTest, BadSlotsAreCountedNotLoaded) {
  TraceArrays arrays;
  arrays.topk_ids = owned_array(std::vector<std::int32_t>{0, 1, -1, 2, 2, 2, 9, -5}, {4, 1, 2});
  const auto summary = summarize(arrays, 3, 2);
  EXPECT_EQ(summary.layers[0].assignments, 5);
  EXPECT_THROW(summarize(arrays, 3, 0), UsageError);
}

TEST(TraceSummaryTest, CountsAreSummarisedWithoutOverlap) {
  LoadMatrix loads(2, 2, 2);
  loads.load = {3, 1, 0, 0, 1, 3, 0, 0};
  const auto summary = summarize(loads);
  EXPECT_EQ(summary.steps, 2);
  EXPECT_DOUBLE_EQ(summary.layers[0].max_over_mean, 1.5);
  EXPECT_DOUBLE_EQ(summary.layers[0].max_vio_global, 0.0);  // the steps cancel each other
  EXPECT_EQ(summary.layers[1].dead_experts, 2);
  EXPECT_FALSE(summary.overall.token_overlap);
}

TEST(TraceSummaryTest, TheRecordedTracesHaveTheirPublishedShape) {
  const auto folder = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." / "shared/traces";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const auto gpt =
      summarize(open_trace_arrays((folder / "gpt-oss-20b/topk_ids_u8.npy").string()), 32, 256);
  EXPECT_EQ(gpt.tokens, 60369);
  EXPECT_EQ(gpt.overall.assignments, 60369L * 24 * 4);
  EXPECT_NEAR(gpt.overall.token_overlap.value(), 1.8, 0.05);  // of 4
  const auto base = import_trace({(folder / "switch-base-8/router-trace.v2.json").string()}, {});
  const auto switch_base = summarize(*base.recording.arrays, 8, 43);
  EXPECT_EQ(switch_base.overall.assignments, 215 * 6);
  EXPECT_EQ(switch_base.overall.dead_experts, 0);  // every expert of every layer was observed
}

/// 10^9 assignments as a file: a block of sound tokens, over and over.
std::string write_billion(const testing_files::TempFolder& folder) {
  constexpr std::int64_t kCells = 24 * 4;
  constexpr std::int64_t kBlockTokens = 41'667;
  constexpr std::int64_t kBlocks = 250;
  SyntheticSpec spec;
  spec.num_experts = 32;
  spec.top_k = 4;
  spec.layers = 24;
  spec.tokens = kBlockTokens;
  spec.model = "gaussian";
  spec.weights = false;
  const auto arrays = arrays_of(*make_synthetic_trace(spec));
  std::string block;
  for (std::int64_t i = 0; i < kBlockTokens * kCells; ++i)
    block += static_cast<char>(arrays.topk_ids.integer(i));
  const std::string path = folder.write(
      "ids.npy",
      testing_files::npy_with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                                         std::to_string(kBlockTokens * kBlocks) + ", 24, 4), }",
                                     ""));
  std::ofstream out(path, std::ios::binary | std::ios::app);
  for (std::int64_t i = 0; i < kBlocks; ++i) out << block;
  return path;
}

/// Only when asked (HOTEXPERT_BILLION=1): a gigabyte is written. Prints the rate; memory is judged.
TEST(TraceSummaryTest, ABillionAssignmentsFitIn256MegabytesOverTheirMapping) {
  if (std::getenv("HOTEXPERT_BILLION") == nullptr)
    GTEST_SKIP() << "HOTEXPERT_BILLION=1 writes 1 GB and summarises it";
  const testing_files::TempFolder folder;
  const auto path = write_billion(folder);
  const auto bytes = std::filesystem::file_size(path);
  for (int round = 0; round < 3; ++round) {  // from the page cache at the latest in the second
    const auto result = testing_support::run_limited(bytes + (256U << 20), [&] {
      const auto seconds = [] {
        return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;  // of a core that others use too
      };
      const double start = seconds();
      const auto imported = import_trace({path}, {.num_experts = 32});
      const double checked = seconds();
      const auto summary = summarize(*imported.recording.arrays, 32, 4096);
      const double done = seconds();
      const auto count = static_cast<double>(summary.overall.assignments);
      std::printf("%.0f assignments: checked at %.2f, summarised at %.2f, both at %.2f G/s\n",
                  count, count / (checked - start) * 1e-9, count / (done - checked) * 1e-9,
                  count / (done - start) * 1e-9);
      std::fflush(stdout);
      return std::to_string(summary.overall.assignments);
    });
    EXPECT_EQ(result.answer, "1000008000");
  }
}

}  // namespace
}  // namespace hotexpert
