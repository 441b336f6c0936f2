#include "sim/traces/recorded_trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/traces/batch_walk.hpp"
#include "tests/sim/traces/trace_files.hpp"

namespace hotexpert {
namespace {

using namespace testing_files;  // NOLINT: test helpers
using StoredIds = std::vector<StoredExpert>;

StoredIds ids_of(const RoutingTrace& trace, std::int64_t step, int layer) {
  BatchBuffer buffer;
  const auto batch = trace.read(step, layer, buffer);
  return {batch.topk_ids.begin(), batch.topk_ids.end()};
}

/// The message of the InputError, or "accepted": opening and reading every batch.
std::string refusal(const RecordedSpec& spec) {
  try {
    const auto trace = open_recorded_trace(spec);
    for_each_batch(*trace, 1, [](const RoutingBatch&) {});
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

// Five tokens, two layers, two slots: token t, layer l names experts (t + l) % 4 and (t + l + 1)
// % 4.
template <class T>
std::vector<T> pattern() {
  std::vector<T> ids;
  for (int t = 0; t < 5; ++t) {
    for (int l = 0; l < 2; ++l) {
      ids.push_back(static_cast<T>((t + l) % 4));
      ids.push_back(static_cast<T>((t + l + 1) % 4));
    }
  }
  return ids;
}

template <class T>
void expect_pattern(const std::string& descr, char version) {
  const TempFolder folder;
  const auto file = folder.write("a.npy", npy(descr, "(5, 2, 2)", pattern<T>(), version));
  const auto trace = open_recorded_trace({.file = file, .num_experts = 4, .tokens_per_step = 2});
  EXPECT_EQ(trace->info().steps, 2);
  EXPECT_EQ(trace->info().layers, 2);
  EXPECT_EQ(ids_of(*trace, 1, 1), (StoredIds{3, 0, 0, 1})) << descr;
  ASSERT_EQ(trace->info().warnings.size(), 1U);
  EXPECT_THAT(trace->info().warnings[0], testing::HasSubstr("last 1 of 5 tokens"));
}

TEST(RecordedTraceTest, NpyFilesOfEveryIntegerTypeAreCutIntoSteps) {
  expect_pattern<std::uint8_t>("|u1", 1);
  expect_pattern<std::int8_t>("|i1", 1);
  expect_pattern<std::uint16_t>("<u2", 2);
  expect_pattern<std::int16_t>("<i2", 1);
  expect_pattern<std::int32_t>("<i4", 2);
  expect_pattern<std::int64_t>("<i8", 3);
}

TEST(RecordedTraceTest, ExpertCountIsInferredWithAWarning) {
  const TempFolder folder;
  const auto file =
      folder.write("a.npy", npy("<i4", "(3, 2)", std::vector<int>{0, 6, 1, 2, -1, 0}));
  const auto trace = open_recorded_trace({.file = file});
  EXPECT_EQ(trace->info().num_experts, 7);
  EXPECT_EQ(trace->info().layers, 1);
  EXPECT_EQ(trace->info().steps, 1);
  EXPECT_THAT(trace->info().warnings[0], testing::HasSubstr("taken as 7"));
}

TEST(RecordedTraceTest, NeighbouringWeightsArePickedUpAndFollowTheShuffle) {
  const TempFolder folder;
  std::vector<std::uint8_t> ids;
  std::vector<float> weights;
  for (int t = 0; t < 100; ++t) {
    ids.push_back(static_cast<std::uint8_t>(t));
    weights.push_back(static_cast<float>(t) / 128);
  }
  const auto file = folder.write("topk_ids_u8.npy", npy("|u1", "(100, 1, 1)", ids));
  folder.write("topk_weights_a.npy", npy("<f4", "(99, 1, 1)", std::vector<float>(99)));
  folder.write("topk_weights_b.npy", npy("<f4", "(100, 1, 1)", weights));
  RecordedSpec spec{.file = file, .num_experts = 100, .shuffled = true, .seed = 4};
  const auto trace = open_recorded_trace(spec);
  ASSERT_TRUE(trace->info().has_weights);
  BatchBuffer buffer;
  const auto batch = trace->read(0, 0, buffer);
  std::set<StoredExpert> seen;
  for (std::size_t t = 0; t < 100; ++t) {
    EXPECT_EQ(batch.topk_weights[t], static_cast<float>(batch.topk_ids[t]) / 128);
    seen.insert(batch.topk_ids[t]);
  }
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_FALSE(std::is_sorted(batch.topk_ids.begin(), batch.topk_ids.end()));
  EXPECT_EQ(ids_of(*open_recorded_trace(spec), 0, 0), ids_of(*trace, 0, 0));
  spec.weights_file = "none";
  EXPECT_FALSE(open_recorded_trace(spec)->info().has_weights);
}

TEST(RecordedTraceTest, SafetensorsBringTheirMetadataAndPerTokenArrays) {
  const TempFolder folder;
  const std::string data =
      bytes_of(std::vector<std::uint8_t>{0, 1, 2, 3, 255, 2}) + std::string(2, '\0') +
      bytes_of(std::vector<std::int64_t>{0, 1, 3}) + bytes_of(std::vector<std::int32_t>{7, 8, 9}) +
      bytes_of(std::vector<std::uint16_t>{0x3800, 0x3800, 0x3c00, 0, 0x3555, 0x3aab});
  const std::string header =
      R"({"__metadata__":{"num_experts":"5","model":"m","absent_id":"255","note":"x"},)"
      R"("topk_ids":{"dtype":"U8","shape":[3,1,2],"data_offsets":[0,6]},)"
      R"("padding":{"dtype":"U8","shape":[2],"data_offsets":[6,8]},)"
      R"("step_offsets":{"dtype":"I64","shape":[3],"data_offsets":[8,32]},)"
      R"("request_id":{"dtype":"I32","shape":[3],"data_offsets":[32,44]},)"
      R"("topk_weights":{"dtype":"F16","shape":[3,1,2],"data_offsets":[44,56]}})";
  const auto file = folder.write("t.safetensors", safetensors(header, data));
  const auto trace = open_recorded_trace({.file = file});
  EXPECT_EQ(trace->info().num_experts, 5);
  EXPECT_EQ(trace->info().steps, 2);
  EXPECT_TRUE(trace->info().warnings.empty());
  BatchBuffer buffer;
  const auto batch = trace->read(1, 0, buffer);
  EXPECT_EQ(StoredIds(batch.topk_ids.begin(), batch.topk_ids.end()), (StoredIds{2, 3, -1, 2}));
  EXPECT_EQ(batch.request_id[1], 9);
  EXPECT_EQ(batch.topk_weights[0], 1.0F);
  EXPECT_NEAR(batch.topk_weights[2], 1 / 3.0, 1e-4);
  const auto one_by_one = open_recorded_trace({.file = file, .tokens_per_step = 1});
  EXPECT_EQ(one_by_one->info().steps, 3);
  EXPECT_THAT(refusal({.file = file, .num_experts = 8}),
              testing::HasSubstr("with 5 experts, not 8"));
}

TEST(RecordedTraceTest, BadValuesAreNamedWithFileTokenAndLayer) {
  const TempFolder folder;
  const auto with = [&](std::vector<int> ids) {
    return refusal(
        {.file = folder.write("bad.npy", npy("<i4", "(2, 2, 2)", ids)), .num_experts = 4});
  };
  EXPECT_EQ(with({0, 1, 0, 1, 0, 1, 0, 1}), "accepted");
  EXPECT_THAT(with({0, 1, 0, 1, 0, 1, 0, 4}),
              testing::EndsWith("bad.npy: token 1, layer 1, slot 1: expert id 4 is not in 0 to 3"));
  EXPECT_THAT(with({0, 1, 0, -2, 0, 1, 0, 1}),
              testing::HasSubstr("token 0, layer 1, slot 1: expert id -2"));
  EXPECT_THAT(with({0, 1, 0, 1, 0, 70000, 0, 1}), testing::HasSubstr("expert id 70000"));
  EXPECT_THAT(with({0, 1, 0, 1, 3, 3, 0, 1}),
              testing::EndsWith("token 1, layer 0 names an expert twice"));
  EXPECT_EQ(with({-1, -1, 0, -1, 3, 1, 0, 1}), "accepted");
  const auto ids = folder.write("topk_ids.npy", npy("<i4", "(1, 1, 2)", std::vector<int>{0, 1}));
  for (const float bad :
       {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto weights =
        folder.write("w.npy", npy("<f4", "(1, 1, 2)", std::vector<float>{1.0F, bad}));
    EXPECT_THAT(refusal({.file = ids, .weights_file = weights}),
                testing::HasSubstr("token 0, layer 0, slot 1: gate weight"));
  }
}

TEST(RecordedTraceTest, DamagedNpyFilesAreRefusedByName) {
  const TempFolder folder;
  const std::string data(8, '\1');
  const auto with = [&](const std::string& bytes) {
    return refusal({.file = folder.write("bad.npy", bytes), .num_experts = 4});
  };
  const auto header = [&](const std::string& dictionary) {
    return with(npy_with_header(dictionary, data));
  };
  const std::string good =
      npy("|u1", "(4, 1, 2)", std::vector<std::uint8_t>{0, 1, 2, 3, 0, 1, 2, 3});
  EXPECT_EQ(with(good), "accepted");
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(with(good.substr(0, length)), "accepted") << "truncated to " << length;
  }
  EXPECT_THAT(with(good + "x"), testing::HasSubstr("needs 8 bytes of data, the file has 9"));
  EXPECT_THAT(header("{'descr': '|O', 'fortran_order': False, 'shape': (4, 1, 2), }"),
              testing::HasSubstr("Python objects"));
  EXPECT_THAT(header("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2,), }"),
              testing::HasSubstr("structured records"));
  EXPECT_THAT(header("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }"),
              testing::HasSubstr("'>i4'; only little-endian"));
  EXPECT_THAT(header("{'descr': '|u1', 'fortran_order': True, 'shape': (4, 1, 2), }"),
              testing::HasSubstr("Fortran order"));
  EXPECT_THAT(
      header("{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4), }"),
      testing::HasSubstr("is not possible"));
  EXPECT_THAT(header("{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 1, 1), }"),
              testing::HasSubstr("needs 34359738368 bytes"));
  for (const char* dictionary :
       {"{'descr': '|u1', 'fortran_order': False, 'shape': (-4, 1, 2), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 1), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 8, }",
        "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (8,), }",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (8,), }",
        "{'descr': '|u1', 'fortran_order': False, }", "{}", "", "{'descr", "nonsense",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4,1,2), } + exit()"}) {
    EXPECT_THAT(header(dictionary), testing::HasSubstr("header is damaged")) << dictionary;
  }
  std::string long_header = good;
  long_header[8] = '\xff';
  long_header[9] = '\xff';
  EXPECT_THAT(with(long_header), testing::HasSubstr("header claims 65535 bytes"));
  EXPECT_THAT(with(std::string("\x93NUMPY\x09\0", 8) + data), testing::HasSubstr("format 9"));
  EXPECT_THAT(with("not a trace"), testing::HasSubstr("neither an .npy nor a .safetensors"));
  EXPECT_THAT(with(npy("|u1", "(0, 1, 2)", std::vector<std::uint8_t>{})),
              testing::HasSubstr("holds no routing"));
  EXPECT_THAT(with(npy("<f4", "(1, 1, 2)", std::vector<float>{0, 1})),
              testing::HasSubstr("expert ids are f32"));
  EXPECT_THAT(with(npy("|u1", "(8,)", std::vector<std::uint8_t>(8))),
              testing::HasSubstr("shape [8]"));
  EXPECT_THAT(with(npy("|u1", "(1, 1, 5)", std::vector<std::uint8_t>(5))),
              testing::HasSubstr("5 slots a token, but only 4 experts"));
  EXPECT_THAT(refusal({.file = folder.file("absent.npy")}), testing::HasSubstr("cannot be opened"));
  EXPECT_THAT(refusal({.file = folder.file("")}), testing::HasSubstr("not a regular file"));
  folder.write("short.npy", good);
  EXPECT_THAT(refusal({.file = folder.file("short.npy"), .tokens_per_step = 5}),
              testing::HasSubstr("holds 4 tokens, fewer than one step of 5; lower step.tokens"));
}

TEST(RecordedTraceTest, DamagedSafetensorsAreRefusedByName) {
  const TempFolder folder;
  const auto with = [&](const std::string& bytes) {
    return refusal({.file = folder.write("bad.safetensors", bytes), .num_experts = 4});
  };
  const auto tensor = [](const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
    return R"({"topk_ids":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  const std::string data("\0\1\2\3", 4);
  const std::string good = safetensors(tensor("U8", "[2,1,2]", "[0,4]"), data);
  EXPECT_EQ(with(good), "accepted");
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(with(good.substr(0, length)), "accepted") << "truncated to " << length;
  }
  EXPECT_NE(with(good + "x"), "accepted");
  EXPECT_THAT(with(safetensors(tensor("U8", "[2,1,2]", "[0,5]"), data)),
              testing::HasSubstr("truncated?"));
  EXPECT_THAT(with(safetensors(tensor("U8", "[2,1,3]", "[0,4]"), data)),
              testing::HasSubstr("needs 6 bytes"));
  EXPECT_THAT(with(safetensors(tensor("U8", "[2,1,2]", "[-4,0]"), data)),
              testing::HasSubstr("outside"));
  EXPECT_THAT(with(safetensors(tensor("F9", "[2,1,2]", "[0,4]"), data)),
              testing::HasSubstr("unknown dtype 'F9'"));
  EXPECT_THAT(with(safetensors(tensor("U8", "[4611686018427387904,8,1]", "[0,4]"), data)),
              testing::HasSubstr("is not possible"));
  EXPECT_THAT(
      with(safetensors(R"({"other":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", data)),
      testing::HasSubstr("no tensor 'topk_ids'"));
  EXPECT_THAT(with(safetensors(R"({"topk_ids":{"dtype":"U8","shape":[1,1,2],"data_offsets":[0,2]},)"
                               R"("b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}})",
                               data)),
              testing::HasSubstr("overlap"));
  std::string endless = good;
  endless[4] = '\1';  // header length of more than 4 GiB
  EXPECT_THAT(with(endless), testing::HasSubstr("header claims 42949"));
}

class GptOssTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." / "shared/traces/gpt-oss-20b";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << folder_ << " is absent";
  }
  std::filesystem::path folder_;
};

TEST_F(GptOssTest, RecordedAndShuffledOrderHaveTheSameLoadsAndDifferentDrops) {
  RecordedSpec spec{.file = (folder_ / "topk_ids_u8.npy").string(), .tokens_per_step = 256};
  const auto recorded = open_recorded_trace(spec);
  EXPECT_EQ(recorded->info().num_experts, 32);
  EXPECT_EQ(recorded->info().layers, 24);
  EXPECT_EQ(recorded->info().slots, 4);
  EXPECT_EQ(recorded->info().steps, 60369 / 256);
  EXPECT_TRUE(recorded->info().has_weights);
  spec.shuffled = true;
  const auto shuffled = open_recorded_trace(spec);
  const auto in_order = count_loads(*recorded, 2);
  const auto mixed = count_loads(*shuffled, 2);
  const auto value = [](const LoadMatrix& loads) {
    return load_metrics(loads, ExpertPlacement::contiguous(32))[0].value;
  };
  EXPECT_GT(value(in_order), 1.2 * value(mixed));
}

TEST_F(GptOssTest, LoadsOfTheWholeFileMatchAPlainCount) {
  const auto trace = open_recorded_trace({.file = (folder_ / "topk_ids_u8.npy").string()});
  const auto loads = count_loads(*trace);
  std::ifstream file(folder_ / "topk_ids_u8.npy", std::ios::binary);
  file.seekg(128);
  std::vector<std::int64_t> expected(24 * 32);
  std::vector<char> token(24 * 4);
  while (file.read(token.data(), 24 * 4)) {
    for (std::size_t i = 0; i < token.size(); ++i) {
      ++expected[i / 4 * 32 + static_cast<unsigned char>(token[i])];
    }
  }
  EXPECT_EQ(loads.load, expected);
}

}  // namespace
}  // namespace hotexpert
