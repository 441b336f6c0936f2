#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/importer.hpp"
#include "tests/sim/traces/imported_ids.hpp"
#include "tests/sim/traces/trace_files.hpp"

namespace hotexpert {

void PrintTo(const ImporterRow& row, std::ostream* out) { *out << row.name; }

namespace {

using namespace testing_files;  // NOLINT: test helpers

std::int64_t count_of(const ImportedTrace& trace, const std::string& name) {
  for (const auto& check : trace.checks) {
    if (check.name == name) return check.count;
  }
  ADD_FAILURE() << "no check " << name;
  return -1;
}

std::string message(const std::string& path, const ImportOptions& options = {}) {
  try {
    import_trace({path}, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ImporterTest, NpyAxesAreMovedIntoTokenLayerSlotOrder) {
  const TempFolder folder;
  // [layer 2][token 3][slot 1], as SGLang records per token.
  const auto file =
      folder.write("a.npy", npy("<i4", "(2, 3, 1)", std::vector<int>{0, 1, 2, 3, 4, 5}));
  const auto trace = import_trace({file}, {.axes = "layer,token,slot"});
  EXPECT_EQ(trace.importer, "npy");
  EXPECT_EQ(trace.recording.arrays->topk_ids.shape, (Ids{3, 2, 1}));
  EXPECT_EQ(ids_of(trace), (Ids{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(trace.num_experts, 6);
  const auto slots_before_layers = import_trace({file}, {.axes = "token,slot,layer"});
  EXPECT_EQ(slots_before_layers.recording.arrays->topk_ids.shape, (Ids{2, 1, 3}));
  const auto counts = import_trace({file}, {.axes = "step,layer,expert"});
  EXPECT_EQ(counts.recording.loads->load, (Ids{0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(message(file, {.axes = "token,layer,expert"}), testing::HasSubstr("is no order of"));
  EXPECT_THAT(message(file, {.axes = "token,slot"}), testing::HasSubstr("does not have the axes"));
}

TEST(ImporterTest, DenseLayersStoredAsZerosAreLeftOutWithAWarning) {
  const TempFolder folder;  // vLLM: [tokens 2, layers 2, k 2], layer 0 dense, -1 = cached prefix
  const auto file = folder.write(
      "r.npy", npy("<i2", "(2, 2, 2)", std::vector<std::int16_t>{0, 0, -1, -1, 0, 0, 3, 1}));
  const auto trace = import_trace({file}, {});
  EXPECT_EQ(trace.layers_left_out, 1);
  EXPECT_EQ(ids_of(trace), (Ids{-1, -1, 3, 1}));
  EXPECT_EQ(count_of(trace, "dense_layers"), 1);
  EXPECT_EQ(count_of(trace, "missing_tokens"), 1);
  EXPECT_EQ(count_of(trace, "absent_slots"), 2);
  EXPECT_EQ(count_of(trace, "duplicate_experts"), 0);
}

TEST(ImporterTest, OnBadIsStrictUnlessTheUserDropsOrKeeps) {
  const TempFolder folder;
  const auto file =
      folder.write("b.npy", npy("<i4", "(4, 1, 2)", std::vector<int>{0, 1, 2, 2, 3, 9, 1, 2}));
  ImportOptions options{.num_experts = 4};
  EXPECT_THAT(message(file, options), testing::HasSubstr("1 slots name an expert outside 0 to 3"));
  options.on_bad = OnBad::kDrop;
  const auto dropped = import_trace({file}, options);
  EXPECT_EQ(dropped.tokens_left_out, 2);
  EXPECT_EQ(ids_of(dropped), (Ids{0, 1, 1, 2}));
  EXPECT_EQ(count_of(dropped, "duplicate_experts"), 1);
  EXPECT_EQ(count_of(dropped, "dropped_tokens"), 2);
  EXPECT_EQ(count_of(dropped, "kept_bad_tokens"), 0);
  options.on_bad = OnBad::kKeep;
  const auto kept = import_trace({file}, options);
  EXPECT_EQ(kept.tokens_left_out, 0);
  EXPECT_EQ(count_of(kept, "kept_bad_tokens"), 2);
  EXPECT_TRUE(kept.recording.arrays->keeps_bad_tokens);
  const auto all_bad = folder.write("c.npy", npy("<i4", "(2, 1, 2)", std::vector<int>{7, 7, 9, 9}));
  EXPECT_THAT(message(all_bad, {.num_experts = 4, .on_bad = OnBad::kDrop}),
              testing::HasSubstr("every token is bad"));
}

TEST(ImporterTest, WeightsAndRepeatedRowsAreChecked) {
  const TempFolder folder;
  std::vector<int> ids = {0, 1, 2, 3};
  std::vector<float> weights = {0.3F, 0.7F, 0.5F, 0.4F};  // rising; sums to 0.9
  for (int i = 0; i < 9; ++i) {
    ids.insert(ids.end(), {1, 2});
    weights.insert(weights.end(), {0.5F, 0.5F});
  }
  folder.write("topk_weights.npy", npy("<f4", "(11, 1, 2)", weights));
  const auto trace =
      import_trace({folder.write("topk_ids.npy", npy("<i4", "(11, 1, 2)", ids))}, {});
  EXPECT_EQ(count_of(trace, "weight_order"), 1);
  EXPECT_EQ(count_of(trace, "weight_sum"), 1);
  EXPECT_EQ(count_of(trace, "repeated_rows"), 9);
}

TEST(ImporterTest, EplbCountsAreReadIn2DAnd3D) {
  const TempFolder folder;
  const auto two = import_trace(
      {folder.write("a.json", R"({"logical_count": [[1.0, 2.0, 3], [0.0, 0, 0]]})")}, {});
  EXPECT_EQ(two.importer, "eplb");
  EXPECT_EQ(two.recording.loads->steps, 1);
  EXPECT_EQ(two.recording.loads->layers, 2);
  EXPECT_EQ(two.recording.loads->load, (Ids{1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(count_of(two, "empty_layers"), 1);
  const auto three = import_trace(
      {folder.write("b.json",
                    R"({"x": 1, "logical_count": [[[8, 4], [4, 8]], [[16, 0], [4, 12]]]})")},
      {.top_k = 2, .tokens_per_step = 3});
  EXPECT_EQ(three.recording.loads->steps, 2);
  EXPECT_EQ(three.recording.loads->at(1, 1)[1], 12);
  EXPECT_EQ(count_of(three, "multiplied_counts"), 4);  // the greatest common divisor
  EXPECT_EQ(count_of(three, "uneven_layers"), 0);
  for (const char* bad : {R"({"logical_count": [[1, 2], [3]]})", R"({"logical_count": [[1.5]]})",
                          R"({"logical_count": [[-1]]})", R"({"logical_count": []})",
                          R"({"logical_count": [[1, [2]]]})", R"({"logical_count": 3})",
                          R"({"logical_count": [[1], 2]})"}) {
    EXPECT_THROW(import_trace({folder.write("c.json", bad)}, {}), InputError) << bad;
  }
}

TEST(ImporterTest, VllmResponsesAreReadFromListsAndBase64) {
  const TempFolder folder;
  const auto lists = import_trace({folder.write("a.json", R"({"model": "m", "choices": [
        {"routed_experts": [[[1, 2], [0, 3]], [[3, 0], [1, 2]]]},
        {"prompt_routed_experts": [[[0, 1], [2, 3]]], "routed_experts": [[[2, 0], [0, 1]]]}]})")},
                                  {});
  EXPECT_EQ(lists.importer, "vllm");
  EXPECT_EQ(lists.recording.model, "m");
  EXPECT_EQ(ids_of(lists), (Ids{1, 2, 0, 3, 3, 0, 1, 2, 0, 1, 2, 3, 2, 0, 0, 1}));
  EXPECT_EQ(lists.recording.arrays->request_id, (std::vector<std::int32_t>{0, 0, 1, 1}));
  // base64 of an .npy of int16 [2, 1, 2] {5, 1, 0, 3}, encoded here.
  const std::string raw = npy("<i2", "(2, 1, 2)", std::vector<std::int16_t>{5, 1, 0, 3});
  std::string encoded;
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < raw.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      word = word << 8 | (i + j < raw.size() ? static_cast<unsigned char>(raw[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      encoded += i + j <= raw.size() ? alphabet[word >> (18 - 6 * j) & 63U] : '=';
    }
  }
  const auto base64 =
      import_trace({folder.write("b.json", R"({"choices": [{"index": 0, "routed_experts": ")" +
                                               encoded + "\"}]}")},
                   {});
  EXPECT_EQ(ids_of(base64), (Ids{5, 1, 0, 3}));
  EXPECT_THAT(message(folder.write("c.json", R"({"choices": [{"routed_experts": "@@@@"}]})")),
              testing::HasSubstr("no base64"));
}

TEST(ImporterTest, MegatronRecordsOfAllRanksMakeSteps) {
  const TempFolder folder;
  folder.write(
      "router_trace_rank0.jsonl",
      R"({"step": 1, "layer": 2, "rank": 0, "num_tokens": 2, "topk": 2, "top_indices": [[0, 1], [1, 3]]}
{"step": 1, "layer": 5, "rank": 0, "num_tokens": 2, "topk": 2, "top_indices": [[2, 3], [0, 2]]}

{"step": 2, "layer": 2, "rank": 0, "num_tokens": 1, "topk": 2, "top_indices": [[1, 2]]}
{"step": 2, "layer": 5, "rank": 0, "num_tokens": 2, "topk": 2, "top_indices": [[0, 1]]}
{"step": 2, "layer": 5, "rank": 0, "block": "mtp", "num_tokens": 1, "topk": 2, "top_indices": [[0, 1]]}
)");
  folder.write(
      "router_trace_rank1.jsonl",
      R"({"step": 1, "layer": 2, "rank": 1, "num_tokens": 1, "topk": 2, "top_indices": [[2, 3]]}
{"step": 1, "layer": 5, "rank": 1, "num_tokens": 1, "topk": 2, "top_indices": [[1, 3]]}
)");
  const auto trace = import_trace({folder.file("")}, {});
  EXPECT_EQ(trace.importer, "megatron");
  EXPECT_EQ(ids_of(trace), (Ids{0, 1, 2, 3, 1, 3, 0, 2, 2, 3, 1, 3, 1, 2, 0, 1}));
  EXPECT_EQ(trace.recording.arrays->step_offsets, (Ids{0, 3, 4}));
  EXPECT_EQ(trace.recording.arrays->source_rank, (std::vector<std::int32_t>{0, 0, 1, 0}));
  EXPECT_EQ(count_of(trace, "truncated_records"), 1);
  EXPECT_EQ(count_of(trace, "other_blocks"), 1);
  EXPECT_EQ(import_trace({folder.file("router_trace_rank1.jsonl")}, {}).importer, "megatron");
}

TEST(ImporterTest, TensorRtStatisticsAreSummedOverRanksAndRawChoicesPreferred) {
  const TempFolder folder;
  folder.write("meta_info.json", R"({"num_experts": 3, "num_experts_per_token": 1, "ep_size": 2,
    "iter_start": 7, "iter_stop": 9, "layers": [3]})");
  const auto counts = [](std::vector<std::int64_t> a, const std::vector<std::int64_t>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return safetensors(R"({"7_3":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},)"
                       R"("8_3":{"dtype":"I64","shape":[3],"data_offsets":[24,48]}})",
                       bytes_of(a));
  };
  folder.write("rank0.safetensors", counts({1, 2, 3}, {0, 5, 0}));
  folder.write("rank1.safetensors", counts({10, 0, 0}, {1, 0, 1}));
  const auto trace = import_trace({folder.file("")}, {.top_k = 1});
  EXPECT_EQ(trace.importer, "tensorrt-llm");
  EXPECT_EQ(trace.recording.loads->steps, 2);
  EXPECT_EQ(trace.recording.loads->load, (Ids{11, 2, 3, 1, 5, 1}));
  const TempFolder raw;
  raw.write("meta_info.json", R"({"num_experts": 4, "num_experts_per_token": 2})");
  raw.write("rank0.safetensors",
            safetensors(R"({"7_3_raw":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})",
                        bytes_of(std::vector<int>{0, 1, 2, 3})));
  raw.write("rank1.safetensors",
            safetensors(R"({"7_3_raw":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]}})",
                        bytes_of(std::vector<int>{3, 0})));
  const auto tokens = import_trace({raw.file("")}, {});
  EXPECT_EQ(ids_of(tokens), (Ids{0, 1, 2, 3, 3, 0}));
  EXPECT_EQ(tokens.recording.arrays->source_rank, (std::vector<std::int32_t>{0, 0, 1}));
}

TEST(ImporterTest, CsvJsonlAndSelectionsAreRead) {
  const TempFolder folder;
  const auto csv = folder.write("a.csv", "layer,expert\n0,1\n0,2\n1,0\n1,2\n0,2\n0,0\n1,1\n1,2\n");
  EXPECT_EQ(import_trace({csv}, {}).recording.loads->load, (Ids{1, 1, 2, 1, 1, 2}));
  const auto tokens = import_trace({csv}, {.top_k = 2});
  EXPECT_EQ(tokens.importer, "csv");
  EXPECT_EQ(ids_of(tokens), (Ids{1, 2, 0, 2, 2, 0, 1, 2}));
  const auto jsonl = import_trace(
      {folder.write("a.jsonl",
                    "{\"layer\": 0, \"topk_ids\": [3, 1], \"topk_weights\": [0.75, 0.25]}\n"
                    "{\"layer\": 1, \"topk_ids\": [[2, 0], [0, 1]], \"topk_weights\": "
                    "[[0.5, 0.5], [1, 0]]}\r\n")},
      {});
  EXPECT_EQ(jsonl.importer, "jsonl");
  EXPECT_EQ(ids_of(jsonl), (Ids{3, 1, 2, 0, -1, -1, 0, 1}));
  EXPECT_EQ(count_of(jsonl, "unrecorded_tokens"), 1);
  ASSERT_TRUE(jsonl.recording.arrays->weights);
  EXPECT_EQ(jsonl.recording.arrays->weights->real(0), 0.75);
  const auto selections = import_trace(
      {folder.write(
          "s.json",
          R"({"expertsPerLayer": 8, "layers": 2, "selections": [[[7], [0]], [[5], [2]]]})")},
      {});
  EXPECT_EQ(selections.importer, "selections");
  EXPECT_EQ(selections.num_experts, 8);
  EXPECT_EQ(ids_of(selections), (Ids{7, 0, 5, 2}));
}

TEST(ImporterTest, CsvWithTokensAndWeightsNeedsNoTopK) {
  const TempFolder folder;
  const auto trace =
      import_trace({folder.write("a.csv",
                                 "token,layer,slot,expert,weight\n0,0,0,3,0.75\n0,0,1,1,0.25\n"
                                 "0,1,0,2,1\n2,0,0,0,0.5\n2,0,1,-1,0\n2,1,0,1,1\n")},
                   {});
  EXPECT_EQ(ids_of(trace), (Ids{3, 1, 2, -1, -1, -1, -1, -1, 0, -1, 1, -1}));
  EXPECT_EQ(trace.recording.arrays->weights->real(0), 0.75);
  EXPECT_EQ(count_of(trace, "missing_tokens"), 2);  // token 1 in both layers
  EXPECT_THAT(message(folder.write("b.csv", "token,layer,expert\n1,0,0\n0,0,1\n")),
              testing::HasSubstr("b.csv:3"));
  EXPECT_THAT(message(folder.write("c.csv", "token,layer,expert\n900000000000,0,0\n")),
              testing::HasSubstr("tokens count up from 0"));
  // Counts have no absent experts, whatever other columns there are.
  EXPECT_THAT(message(folder.write("d.csv", "token,layer,expert,load\n0,0,-1,3\n")),
              testing::HasSubstr("expert -1 is out of range"));
}

TEST(ImporterTest, FewIdsDoNotBecomeALargeArray) {
  const TempFolder folder;
  std::string wide = "{\"topk_ids\": [0";
  for (int e = 1; e < 20000; ++e) wide += "," + std::to_string(e);
  wide += "]}\n";
  for (int t = 0; t < 20000; ++t) wide += "{\"topk_ids\": [1]}\n";
  EXPECT_THAT(message(folder.write("wide.jsonl", wide)), testing::HasSubstr("mostly absent"));
}

TEST(ImporterTest, ALayerThatAppearsLateKeepsItsTokensInTheirSteps) {
  const TempFolder folder;
  const auto trace = import_trace({folder.write("a.jsonl",
                                                "{\"step\":0,\"layer\":0,\"topk_ids\":[[1],[2]]}\n"
                                                "{\"step\":1,\"layer\":0,\"topk_ids\":[[3]]}\n"
                                                "{\"step\":1,\"layer\":1,\"topk_ids\":[[4]]}\n")},
                                  {});
  EXPECT_EQ(ids_of(trace), (Ids{1, -1, 2, -1, 3, 4}));
  EXPECT_EQ(trace.recording.arrays->step_offsets, (Ids{0, 2, 3}));
  EXPECT_EQ(count_of(trace, "unrecorded_tokens"), 2);
}

TEST(ImporterTest, AnExpertCountThatContradictsTheRecordingIsRefused) {
  const TempFolder folder;
  const auto file = folder.write(
      "s.json", R"({"expertsPerLayer": 8, "layers": 1, "selections": [[[7]], [[5]]]})");
  EXPECT_THAT(message(file, {.num_experts = 16}),
              testing::HasSubstr("was recorded with 8 experts, not 16"));
}

TEST(ImporterTest, TheSwitchBaseTraceIsReadInFull) {
  const auto file = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." /
                    "shared/traces/switch-base-8/router-trace.v2.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  const auto trace = import_trace({file.string()}, {});
  EXPECT_EQ(trace.recording.arrays->topk_ids.shape, (Ids{215, 6, 1}));
  EXPECT_EQ(trace.num_experts, 8);
}

TEST(ImporterTest, TheGptOssTracePassesEveryErrorCheck) {
  const auto file = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." /
                    "shared/traces/gpt-oss-20b/topk_ids_u8.npy";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  const auto trace = import_trace({file.string()}, {.num_experts = 32});
  for (const auto& check : trace.checks) {
    EXPECT_EQ(check.count, 0) << check.text;
  }
}

TEST(ImporterTest, HostileFilesAreRefusedByNameAndAtOnce) {
  const TempFolder folder;
  EXPECT_THAT(message(folder.write("a.bin", "nothing known")),
              testing::HasSubstr("no importer recognises"));
  EXPECT_THAT(message(folder.write("empty", "")), testing::HasSubstr("no importer recognises"));
  EXPECT_THAT(message(folder.write("z.npz", "PK\x03\x04 damaged")),
              testing::HasSubstr("no readable zip"));
  EXPECT_THAT(message(folder.write("d.json", "{\"logical_count\": " + std::string(100000, '['))),
              testing::HasSubstr("nest"));
  EXPECT_THAT(message(folder.write("e.json", "{\"logical_count\": [[1e400]]}")),
              testing::Not("accepted"));
  EXPECT_THAT(message(folder.write("f.csv", "layer,expert\n0\n")), testing::HasSubstr("f.csv:2"));
  EXPECT_THAT(message(folder.write("g.csv", "layer,expert\n0,99999\n")),
              testing::HasSubstr("g.csv:2"));
  EXPECT_THAT(message(folder.write("h.jsonl", "{\"topk_ids\": [1.5]}")),
              testing::HasSubstr("h.jsonl:1"));
  EXPECT_THAT(message(folder.file("absent")), testing::HasSubstr("cannot be opened"));
  EXPECT_THAT(message(folder.write("x", "abc"), {.format = "numpyy"}),
              testing::HasSubstr("unknown trace format"));
}

}  // namespace
}  // namespace hotexpert
