// Recordings that are one JSON document: what each holds, and that none is held whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <functional>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/importer.hpp"
#include "tests/sim/traces/imported_ids.hpp"
#include "tests/sim/traces/trace_files.hpp"
#include "tests/support/limited_child.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing_files::Ids;
using testing_files::ids_of;
using testing_files::TempFolder;

std::string import_refusal(const std::string& text, const ImportOptions& options = {}) {
  const TempFolder folder;
  try {
    import_trace({folder.write("x.json", text)}, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(DatasetCountsTest, EachDatasetIsAStep) {
  const TempFolder folder;
  const auto trace = import_trace(
      {folder.write("a.json",
                    R"({"model": "m", "top_k": 2, "shape": [2, 3], "counts_by_dataset": {
                    "b/one": [[1, 2, 3], [4, 1, 1]], "a two": [[0, 0, 2], [1, 1, 0]]}})")},
      {});
  EXPECT_EQ(trace.importer, "dataset-counts");
  EXPECT_EQ(trace.recording.model, "m");
  EXPECT_EQ(trace.num_experts, 3);
  EXPECT_EQ(trace.recording.loads->steps, 2);
  EXPECT_EQ(trace.recording.loads->layers, 2);
  EXPECT_EQ(trace.recording.loads->load, (Ids{1, 2, 3, 4, 1, 1, 0, 0, 2, 1, 1, 0}));
  EXPECT_THAT(trace.checks.front().text, HasSubstr("b/one, a two"));
}

TEST(DatasetCountsTest, TopKOfTheFileIsHeldAgainstItsTotals) {
  const TempFolder folder;
  const auto file =
      folder.write("a.json", R"({"top_k": 4, "counts_by_dataset": {"a": [[1, 2, 3, 0]]}})");
  const auto trace = import_trace({file}, {});
  std::int64_t not_multiples = 0;
  for (const auto& check : trace.checks) {
    if (check.name == "not_a_multiple") not_multiples = check.count;
  }
  EXPECT_EQ(not_multiples, 1);
  EXPECT_THROW(import_trace({file}, {.top_k = 2}), InputError);
}

TEST(DatasetCountsTest, DamagedFilesAreRefusedWithTheReason) {
  const auto counts = [](const std::string& datasets, const std::string& more = "") {
    return import_refusal("{\"counts_by_dataset\": " + datasets + more + "}");
  };
  EXPECT_THAT(counts(R"({"a": [[1, 2]], "b": [[1]]})"), HasSubstr("ragged"));
  EXPECT_THAT(counts(R"({"a": [[1, 2]], "b": 3})"), HasSubstr("ragged"));
  EXPECT_THAT(counts(R"({"a": [["1", 2]]})"), HasSubstr("ragged"));
  EXPECT_THAT(counts(R"({"a": [[1.5]]})"), HasSubstr("no whole number"));
  EXPECT_THAT(counts(R"({"a": [[-1]]})"), HasSubstr("no whole number"));
  EXPECT_THAT(counts("{}"), HasSubstr("no [steps, layers, experts]"));
  EXPECT_THAT(counts(R"({"a": []})"), HasSubstr("no [steps, layers, experts]"));
  EXPECT_THAT(counts("[[[1]]]"), HasSubstr("expected an object"));
  EXPECT_THAT(counts("7"), HasSubstr("expected an object"));
  EXPECT_THAT(counts(R"({"a": [[1]], "a": [[1]]})"), HasSubstr("appears twice"));
  EXPECT_THAT(counts(R"({"a": [[1]]})", R"(, "shape": [2, 1])"), HasSubstr("shape is [2,1]"));
  EXPECT_THAT(counts(R"({"a": [[1]]})", R"(, "top_k": 2)"), HasSubstr("not in 1 to 1"));
  EXPECT_THAT(counts(R"({"a": [[1]]})", R"(, "top_k": 4294967297)"), HasSubstr("not in 1 to 1"));
  EXPECT_THAT(import_refusal("{\"counts_by_dataset\": " + std::string(100'000, '[')),
              HasSubstr("nest"));
}

TEST(DatasetCountsTest, TheCountsOfTheGptOssTraceAreWhole) {
  const auto file = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." /
                    "shared/traces/gpt-oss-20b/expert_counts_all_702.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  const auto trace = import_trace({file.string()}, {});
  EXPECT_EQ(trace.importer, "dataset-counts");
  const auto& loads = *trace.recording.loads;
  ASSERT_EQ(loads.layers, 24);
  ASSERT_EQ(loads.experts, 32);
  for (int layer = 0; layer < loads.layers; ++layer) {
    std::int64_t total = 0;
    for (std::int64_t step = 0; step < loads.steps; ++step) {
      for (const auto count : loads.at(step, layer)) total += count;
    }
    EXPECT_EQ(total, 215'051 * 4) << layer;
  }
}

TEST(VllmDocumentTest, WithoutChoicesItIsOneRequestWithThePromptInFront) {
  const TempFolder folder;
  for (const char* text :
       {R"({"prompt_routed_experts": [[[0, 1], [2, 3]]], "routed_experts": [[[2, 0], [0, 1]]]})",
        R"({"routed_experts": [[[2, 0], [0, 1]]], "prompt_routed_experts": [[[0, 1], [2, 3]]]})"}) {
    const auto trace = import_trace({folder.write("a.json", text)}, {});
    EXPECT_EQ(trace.importer, "vllm");
    EXPECT_EQ(ids_of(trace), (Ids{0, 1, 2, 3, 2, 0, 0, 1})) << text;
    EXPECT_EQ(trace.recording.arrays->request_id, (std::vector<std::int32_t>{0, 0}));
  }
  const auto alone = import_trace(
      {folder.write("b.json", R"({"prompt_routed_experts": null, "routed_experts": [[[5, 1]]]})")},
      {});
  EXPECT_EQ(ids_of(alone), (Ids{5, 1}));
  EXPECT_THAT(import_refusal(R"({"routed_experts": {"a": [[1]]}})"),
              HasSubstr("expected an array"));
  EXPECT_THAT(import_refusal(R"({"routed_experts": [[[1.5]]]})"),
              HasSubstr("routed_experts of request 0"));
  EXPECT_THAT(import_refusal(R"({"choices": {"a": 1}, "routed_experts": []})"),
              HasSubstr("expected an"));
}

constexpr int kItems = 300;      // of the outermost list or table
constexpr int kIdsAnItem = 512;  // in rows of 8

/// `outer` around kItems items: each `front`, then kIdsAnItem numbers 0 to 7 in rows, then `back`.
std::string document(const std::string& begin, const std::function<std::string(int)>& front,
                     const std::string& back, const std::string& end) {
  std::string rows = "[";
  for (int row = 0; row < kIdsAnItem / 8; ++row) rows += ",[0,1,2,3,4,5,6,7]";
  rows.erase(1, 1);
  rows += "]";
  std::string out = begin;
  for (int i = 0; i < kItems; ++i) out += (i > 0 ? "," : "") + front(i) + rows + back;
  return out + end;
}

TEST(JsonMemoryTest, NoRecordingIsHeldWholeAsJson) {
  if (!testing_support::runs_at_full_speed()) GTEST_SKIP() << "sanitizers take memory themselves";
  const auto none = [](int) { return std::string(); };
  const auto name = [](int i) { return "\"" + std::to_string(i) + "\":"; };
  const auto choice = [](int) { return std::string("{\"routed_experts\":["); };
  const std::pair<const char*, std::string> files[] = {
      {"vllm document", document("{\"routed_experts\":[", none, "", "]}")},
      {"vllm prompt", document("{\"prompt_routed_experts\":[", none, "", "]}")},
      {"vllm choices", document("{\"choices\":[", choice, "]}", "]}")},
      {"selections",
       document("{\"expertsPerLayer\":8,\"layers\":64,\"selections\":[", none, "", "]}")},
      {"eplb", document("{\"logical_count\":[", none, "", "]}")},
      {"dataset-counts", document("{\"counts_by_dataset\":{", name, "", "}}")}};
  // A number takes 40 bytes and more as Json, and at most 24 in growing tables and the recording.
  constexpr std::int64_t kProgram = 3 << 20;  // pages of code and of constants
  constexpr std::int64_t kMost = kProgram + std::int64_t{kItems} * kIdsAnItem * 28;
  for (const auto& [what, text] : files) {
    const TempFolder folder;
    const auto path = folder.write("x.json", text);
    const auto size = static_cast<std::int64_t>(text.size());
    const auto result = testing_support::run_limited(std::uint64_t{1} << 30, [&] {
      const auto trace = import_trace({path}, {.on_bad = OnBad::kKeep});
      return std::to_string(trace.recording.arrays ? trace.recording.arrays->topk_ids.elements()
                                                   : std::ssize(trace.recording.loads->load));
    });
    std::printf("%-16s %6.1f MB of text, %6.1f MB of memory\n", what,
                static_cast<double>(size) * 1e-6, static_cast<double>(result.peak_bytes) * 1e-6);
    EXPECT_EQ(result.answer, std::to_string(kItems * kIdsAnItem)) << what;
    EXPECT_LT(result.peak_bytes - size, kMost) << what;
  }
}

}  // namespace
}  // namespace hotexpert
