// Files made to hurt: each is refused by name, in little memory. Time is printed, not judged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/zip_archive.hpp"
#include "tests/sim/traces/hostile_zip.hpp"
#include "tests/sim/traces/trace_files.hpp"
#include "tests/support/limited_child.hpp"

namespace hotexpert {
namespace {

using namespace testing_files;  // NOLINT: test helpers

constexpr std::uint64_t kMemory = 128U << 20;
constexpr double kProcessorS = 0.1;

struct HostileFile {
  const char* name;
  std::string bytes;
  const char* reason;  ///< part of the refusal, beside the file's name
};

std::string npy_of(const std::string& descr, const std::string& shape, std::size_t bytes = 8) {
  return npy_with_header(
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }",
      std::string(bytes, '\0'));
}

/// 80 bytes in all that claim 32 GiB.
std::string tiny_npy() {
  const std::string dictionary = "{'descr':'|u1','fortran_order':False,'shape':(34359738368,1)}";
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(80 - 10);
  out += '\0';
  return out + dictionary + std::string(80 - 11 - dictionary.size(), ' ') + '\n';
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

std::string tensor(const std::string& entry, std::size_t bytes = 8) {
  return safetensors("{\"topk_ids\":" + entry + "}", std::string(bytes, '\0'));
}

std::vector<HostileFile> hostile_files() {
  const std::string damaged = "claims";
  std::vector<HostileFile> files = {
      {"tiny.npy", tiny_npy(), "needs 34359738368 bytes"},
      {"overflow.npy", npy_of("<i8", "(9223372036854775807, 9223372036854775807)"), "not possible"},
      {"wrap.npy", npy_of("<i8", "(2305843009213693952, 8)"), "not possible"},
      {"negative.npy", npy_of("<i4", "(-1, 2)"), "no possible size"},
      {"huge_number.npy", npy_of("<i4", "(99999999999999999999999, 2)"), "no possible size"},
      {"dimensions.npy", npy_of("<i4", "(" + repeated("1, ", 40) + ")"), "too many dimensions"},
      {"object.npy", npy_of("|O", "(1, 1)"), "Python objects"},
      {"records.npy",
       npy_with_header("{'descr': [('a', '<i4')], 'fortran_order': False, "
                       "'shape': (1,), }",
                       "abcd"),
       "structured records"},
      {"string.npy", npy_of("<U8", "(1, 1)"), "only little-endian"},
      {"big_endian.npy", npy_of(">i4", "(1, 2)"), "only little-endian"},
      {"code.npy", npy_with_header("{'descr': __import__('os'), }", ""), "quoted text expected"},
      {"long_header.npy", std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + "{", "claims"},
      {"future.npy", std::string("\x93NUMPY\x09\x00", 8) + "\x10", "not known"},
      {"long_header.safetensors", std::string("\xff\xff\xff\x7f\0\0\0\0{", 9), "claims"},
      {"many_values.safetensors", safetensors("{\"a\":[" + repeated("0,", 8'000'000) + "0]}", ""),
       "more than 400000"},
      {"many_keys.safetensors", safetensors("{" + repeated("\"k\":1,", 399'000) + "\"k\":1}", ""),
       "appears twice"},
      {"nested.safetensors", safetensors("{\"a\":" + repeated("[", 100'000), ""), "nesting"},
      {"overflow.safetensors",
       tensor(R"({"dtype":"I64","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
       "not possible"},
      {"outside.safetensors",
       tensor(R"({"dtype":"U8","shape":[8],"data_offsets":[0,9223372036854775807]})"), "outside"},
      {"dtype.safetensors", tensor(R"({"dtype":"PICKLE","shape":[8],"data_offsets":[0,8]})"),
       "unknown dtype"},
      {"short.safetensors", tensor(R"({"dtype":"U8","shape":[9],"data_offsets":[0,8]})"),
       "needs 9 bytes"},
      {"path.npz", hostile_zip({{"../../evil.npy", "x", 1, false}}), "names a folder"},
      {"backslash.npz", hostile_zip({{"C:\\evil.npy", "x", 1, false}}), "names a folder"},
      {"absolute.npz", hostile_zip({{"/etc/passwd", "x", 1, false}}), "names a folder"},
      {"bomb.npz", hostile_zip({{"topk_ids.npy", deflated_zeros(1U << 30), 1U << 30, true}}),
       "zip bomb"},
      {"lying_bomb.npz", hostile_zip({{"topk_ids.npy", deflated_zeros(1U << 30), 1000, true}}),
       "damaged"},
      {"four_bombs.npz",
       hostile_zip({{"a.npy", deflated_zeros(60U << 20), 60U << 20, true},
                    {"b.npy", deflated_zeros(60U << 20), 60U << 20, true}}),
       "zip bomb"},
      {"twice.npz", hostile_zip({{"a.npy", "x", 1, false}, {"a.npy", "y", 1, false}}), ""},
      {"object.npz", hostile_zip({{"topk_ids.npy", npy_of("|O", "(1, 1)"), 0, false}}),
       "Python objects"},
      {"claims.npz", hostile_zip({{"topk_ids.npy", tiny_npy(), 0, false}}), "needs 34359738368"},
      {"nested.vllm.json", "{\"routed_experts\": " + repeated("[", 100'000), "nesting"},
      {"base64.vllm.json", R"({"routed_experts": "@@@@"})", "no base64"},
      {"claims.vllm.json", R"({"routed_experts": "k05VTVBZCQA="})", "not known"},
      {"nested.eplb.json", "{\"logical_count\": " + repeated("[", 100'000), "nesting"},
      {"number.eplb.json", "{\"logical_count\": [[1e400]]}", ""},
      {"ragged.eplb.json", "{\"logical_count\": [[1],[1,2]]}", "ragged"},
      {"large.eplb.json", "{\"logical_count\": [[9223372036854775808]]}", ""},
      {"nested.counts.json", "{\"counts_by_dataset\": " + repeated("[", 100'000), "nesting"},
      {"large.counts.json", R"({"counts_by_dataset": {"a": [[9223372036854775808]]}})",
       "no whole number"},
      {"shape.counts.json",
       R"({"counts_by_dataset": {"a": [[1]]}, "shape": [9223372036854775807, 2]})",
       "the counts are"},
      {"experts.selections.json",
       R"({"expertsPerLayer": 99999999, "layers": 1, "selections": [[[0]]]})", "not in 1 to"},
      {"layers.selections.json",
       R"({"expertsPerLayer": 8, "layers": 9223372036854775807, "selections": [[[0]]]})",
       "has 1 layers"},
      {"wide.jsonl",
       "{\"topk_ids\":[0" + repeated(",1", 30'000) + "]}\n" +
           repeated("{\"topk_ids\":[1]}\n", 30'000),
       "mostly absent"},
      {"layer.jsonl", R"({"layer": -1, "topk_ids": [1]})", "is not >= 0"},
      {"layers.jsonl",
       [] {
         std::string out = repeated("{\"layer\":0,\"topk_ids\":[1]}\n", 20'000);
         for (int l = 1; l < 20'000; ++l)
           out += "{\"layer\":" + std::to_string(l) + ",\"topk_ids\":[1]}\n";
         return out;
       }(),
       "mostly absent"},
      {"id.jsonl", R"({"topk_ids": [99999999999]})", "out of range"},
      {"token.csv", "token,layer,expert\n99999999999,0,0\n", "tokens count up"},
      {"expert.csv", "layer,expert\n0,2147483647\n", "out of range"},
      {"steps.csv",
       [] {
         std::string out = "step,layer,expert,load\n";
         for (int i = 0; i < 30'000; ++i)
           out += std::to_string(i) + "," + std::to_string(i) + ",32000,1\n";
         return out;
       }(),
       "30000 steps"},
      {"rank.megatron.jsonl",
       R"({"step":0,"layer":0,"rank":-5,"num_tokens":1,"top_indices":[[0]]})", "out of range"},
      {"tokens.megatron.jsonl",
       R"({"step":0,"layer":0,"rank":0,"num_tokens":-3,"top_indices":[[0]]})", "num_tokens is -3"},
      {"ids.megatron.jsonl", R"({"step":0,"layer":0,"rank":0,"num_tokens":1,"top_indices":"AAAA"})",
       "expected an array"},
  };
  return files;
}

void expect_refused(const HostileFile& file) {
  SCOPED_TRACE(file.name);
  const TempFolder folder;
  const auto path = folder.write(file.name, file.bytes);
  const auto result = testing_support::run_limited(kMemory, [&]() -> std::string {
    try {
      import_trace({path}, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  });
  std::printf("%-28s %8.1f ms %8.1f MB\n", file.name, 1e3 * result.processor_s,
              static_cast<double>(result.peak_bytes) * 1e-6);
  EXPECT_THAT(result.answer, testing::HasSubstr(file.name)) << result.answer;
  EXPECT_THAT(result.answer, testing::HasSubstr(file.reason));
  EXPECT_LT(result.peak_bytes, static_cast<std::int64_t>(kMemory));
  const bool in_time = !testing_support::runs_at_full_speed() || result.processor_s < kProcessorS;
  EXPECT_TRUE(in_time) << result.processor_s << " s";
}

// One test, not one a file: the files take long to make, and the list of tests is made in every
// process.
TEST(HostileFilesTest, AreRefusedByNameSoonAndInLittleMemory) {
  for (const auto& file : hostile_files()) expect_refused(file);
}

TEST(HostileFolders, TensorRtStatisticsThatLieAreRefusedByName) {
  const std::pair<const char*, std::string> cases[] = {
      {"meta_info.json", R"({"num_experts": 99999999})"},
      {"meta_info.json", "{\"num_experts\": " + repeated("[", 100'000)},
      {"rank0.safetensors",
       safetensors(R"({"7_3":{"dtype":"I64","shape":[99],"data_offsets":[0,8]}})",
                   std::string(8, 'x'))},
      {"rank0.safetensors", safetensors(R"({"7_3_raw":{"dtype":"I64","shape":[0,99999999],)"
                                        R"("data_offsets":[0,0]}})",
                                        "")},
      {"rank0.safetensors", safetensors(R"({"99999999999999999999_3":{"dtype":"I64","shape":[1],)"
                                        R"("data_offsets":[0,8]}})",
                                        std::string(8, 'x'))},
      {"rank0.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{", 9)}};
  for (const auto& [name, bytes] : cases) {
    const TempFolder folder;
    folder.write("meta_info.json", R"({"num_experts": 4})");
    folder.write(name, bytes);
    const auto result = testing_support::run_limited(kMemory, [&]() -> std::string {
      try {
        import_trace({folder.file("")}, {});
      } catch (const Error& error) {
        return error.what();
      }
      return "accepted";
    });
    EXPECT_THAT(result.answer, testing::HasSubstr(folder.file(""))) << name;
  }
}

TEST(TruncatedFiles, EveryBeginningOfASoundFileIsRefused) {
  const TempFolder folder;
  const std::string ids = npy("<i4", "(2, 1, 2)", std::vector<int>{0, 1, 2, 3});
  const std::string tensors =
      safetensors(R"({"topk_ids":{"dtype":"I32","shape":[2,1,2],"data_offsets":[0,16]}})",
                  bytes_of(std::vector<int>{0, 1, 2, 3}));
  const std::string archive = hostile_zip({{"topk_ids.npy", ids, 0, false}});
  for (const auto& sound : {ids, tensors, archive}) {
    ASSERT_NO_THROW(import_trace({folder.write("whole", sound)}, {}));
    for (std::size_t length = 0; length < sound.size(); ++length) {
      EXPECT_THROW(import_trace({folder.write("cut", sound.substr(0, length))}, {}), InputError)
          << length << " of " << sound.size();
    }
  }
}

}  // namespace
}  // namespace hotexpert
