#include "sim/traces/trace_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"
#include "sim/traces/importers/importer.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"
#include "sim/traces/zip_archive.hpp"
#include "tests/sim/traces/trace_files.hpp"

namespace hotexpert {
namespace {

using namespace testing_files;  // NOLINT: test helpers

std::string bytes(const ArrayView& array) {
  return {reinterpret_cast<const char*>(array.data),
          static_cast<std::size_t>(array.elements()) * size_of(array.type)};
}

/// A random sound trace of any shape, with or without weights, request ids and steps.
TraceArrays random_trace(RandomStream& random) {
  TraceArrays out;
  const auto pick = [&](std::uint32_t most) {
    return static_cast<std::int64_t>(1 + random.below(most));
  };
  const std::int64_t tokens = pick(6);
  const std::int64_t layers = pick(3);
  const std::int64_t slots = pick(3);
  constexpr std::uint32_t kSizes[] = {8, 300, 32767};
  out.num_experts = static_cast<int>(kSizes[random.below(3)]);
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  for (std::int64_t row = 0; row < tokens * layers; ++row) {
    std::set<std::int32_t> seen;
    for (std::int64_t s = 0; s < slots; ++s) {
      std::int32_t id =
          static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(out.num_experts)));
      while (!seen.insert(id).second) id = (id + 1) % out.num_experts;
      ids.push_back(random.below(8) == 0 ? -1 : id);
      weights.push_back(static_cast<float>(random.uniform()));
    }
  }
  out.topk_ids = owned_array(std::move(ids), {tokens, layers, slots});
  if (random.below(2) == 0) out.weights = owned_array(std::move(weights), {tokens, layers, slots});
  if (random.below(2) == 0) {
    for (std::int64_t t = 0; t < tokens; ++t)
      out.request_id.push_back(static_cast<std::int32_t>(random.next() >> 1));
  }
  if (tokens > 1 && random.below(2) == 0) out.step_offsets = {0, 1, tokens};
  return out;
}

void expect_equal(const TraceArrays& a, const TraceArrays& b, bool per_token) {
  ASSERT_EQ(a.topk_ids.shape, b.topk_ids.shape);
  for (std::int64_t i = 0; i < a.topk_ids.elements(); ++i) {
    ASSERT_EQ(a.topk_ids.integer(i), b.topk_ids.integer(i));
  }
  ASSERT_EQ(a.weights.has_value(), b.weights.has_value());
  if (a.weights) {
    ASSERT_EQ(bytes(*a.weights), bytes(*b.weights));
  }
  if (!per_token) return;
  ASSERT_EQ(a.request_id, b.request_id);
  ASSERT_EQ(a.step_offsets, b.step_offsets);
  ASSERT_EQ(a.num_experts, b.num_experts);
}

/// What a format keeps beside ids and weights.
bool keeps_per_token_arrays(const std::string& format) {
  return format == ".npz" || format == ".safetensors";
}

class RoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, RandomTracesComeBackBitForBit) {
  // HOTEXPERT_ROUND_TRIPS=100000 runs the long version.
  const char* const wanted = std::getenv("HOTEXPERT_ROUND_TRIPS");
  const int trips = wanted == nullptr ? 300 : std::atoi(wanted);
  const TempFolder folder;
  const auto path = folder.file(std::string("topk_ids_x") + GetParam());
  RandomStream random({.seed = 20, .purpose = RandomPurpose::kTest}, 0);
  for (int trip = 0; trip < trips; ++trip) {
    const auto arrays = random_trace(random);
    std::filesystem::remove(folder.file("topk_weights_x.npy"));
    write_trace(path, arrays);
    const auto back =
        import_trace({path}, {.num_experts = arrays.num_experts, .on_bad = OnBad::kKeep});
    if (back.layers_left_out > 0) continue;  // a random layer of zeros
    expect_equal(arrays, *back.recording.arrays, keeps_per_token_arrays(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip,
                         testing::Values(".npy", ".npz", ".safetensors", ".csv", ".jsonl"),
                         [](const auto& row) { return std::string(row.param).substr(1); });

TEST(TraceWriterTest, ASyntheticTraceReplaysEqualFromItsFile) {
  SyntheticSpec spec;
  spec.num_experts = 300;
  spec.top_k = 4;
  spec.layers = 3;
  spec.steps = 2;
  spec.tokens = 50;
  spec.model = "zipf";
  const auto trace = make_synthetic_trace(spec);
  const TempFolder folder;
  const auto path = folder.file("t.safetensors");
  write_trace(path, arrays_of(*trace, 2));
  const auto replay = open_recorded_trace({.file = path});
  EXPECT_EQ(replay->info().steps, 2);
  EXPECT_TRUE(replay->info().warnings.empty());
  BatchBuffer a;
  BatchBuffer b;
  for (int layer = 0; layer < 3; ++layer) {
    const auto drawn = trace->read(1, layer, a);
    const auto read = replay->read(1, layer, b);
    EXPECT_TRUE(std::equal(drawn.topk_ids.begin(), drawn.topk_ids.end(), read.topk_ids.begin()));
    EXPECT_TRUE(std::equal(drawn.topk_weights.begin(), drawn.topk_weights.end(),
                           read.topk_weights.begin()));
  }
}

TEST(TraceWriterTest, JsonCountsAreThoseOfTheSteps) {
  TraceArrays arrays;
  arrays.topk_ids = owned_array(std::vector<std::int16_t>{0, 2, 1, 2, 0, -1}, {3, 1, 2});
  arrays.num_experts = 3;
  arrays.step_offsets = {0, 2, 3};
  const TempFolder folder;
  const auto path = folder.file("counts.json");
  write_trace(path, arrays);
  const auto back = import_trace({path}, {});
  EXPECT_EQ(back.importer, "eplb");
  EXPECT_EQ(back.recording.loads->steps, 2);
  EXPECT_EQ(back.recording.loads->load, (std::vector<std::int64_t>{1, 1, 2, 1, 0, 0}));
  LoadMatrix loads(1, 1, 2);
  EXPECT_THROW(write_loads(folder.file("a.jsonl"), loads), UsageError);
}

TEST(TraceWriterTest, CountsComeBackAndEqualInputGivesEqualBytes) {
  const TempFolder folder;
  LoadMatrix loads(2, 1, 3);
  loads.load = {1, 2, 3, 4, 5, 6000000000};
  for (const char* extension : {".npy", ".npz", ".safetensors", ".csv", ".json"}) {
    const auto path = folder.file(std::string("l") + extension);
    write_loads(path, loads);
    EXPECT_EQ(import_trace({path}, {.axes = "step,layer,expert"}).recording.loads->load, loads.load)
        << extension;
    const auto read = [&] {
      std::ifstream file(path, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    const auto first = read();
    write_loads(path, loads);
    EXPECT_EQ(read(), first) << extension;
  }
}

TEST(TraceWriterTest, WhatCannotBeWrittenIsNamed) {
  RandomStream random({.seed = 1}, 0);
  const auto arrays = random_trace(random);
  EXPECT_THROW(write_trace("/nonexistent/a.safetensors", arrays), OutputError);
  EXPECT_THROW(write_trace("/nonexistent/a.npz", arrays), OutputError);
  EXPECT_THROW(write_trace("a.txt", arrays), UsageError);
}

TEST(NpzTest, HostileArchivesAreRefusedByName) {
  const TempFolder folder;
  const auto message = [](const std::string& path) -> std::string {
    try {
      read_zip(path);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto path = folder.file("a.npz");
  write_zip(path, {{"../evil.npy", "x"}});
  EXPECT_THAT(message(path), testing::HasSubstr("member '../evil.npy' names a folder"));
  write_zip(path, {{"a.npy", std::string(100, 'x')}});
  std::ifstream file(path, std::ios::binary);
  std::string archive(std::istreambuf_iterator<char>(file), {});
  // A member that claims 3 GiB: the uncompressed sizes of both headers are overwritten.
  const auto patch = [&](std::size_t at) {
    for (const char c : {'\0', '\0', '\0', '\xc0'}) archive[at++] = c;
  };
  patch(archive.find("PK\x03\x04") + 22);
  patch(archive.find("PK\x01\x02") + 24);
  const auto claimed = message(folder.write("bomb.npz", archive));
  EXPECT_NE(claimed, "accepted");
  EXPECT_THAT(claimed, testing::HasSubstr("bomb.npz"));
}

TEST(NumpyTest, FilesWrittenByTheRealNumPyReadBackEqual) {
  std::string python;
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    const auto import_numpy = std::string(candidate) + " -c 'import numpy' 2>/dev/null";
    if (python.empty() && std::system(import_numpy.c_str()) == 0) python = candidate;
  }
  if (python.empty()) GTEST_SKIP() << "no python3-numpy";
  const TempFolder folder;
  const std::string script =
      "import numpy as n; import sys; d=sys.argv[1]+'/'\n"
      "a=n.array([[[3,1],[0,2]],[[1,0],[2,3]],[[2,3],[1,0]]])\n"
      "w=n.full((3,2,2),0.5,'f2')\n"
      "for t in ['u1','i1','u2','i2','i4','i8']: n.save(d+t+'.npy',a.astype(t))\n"
      "n.savez(d+'s.npz',topk_ids=a.astype('i2'),topk_weights=w)\n"
      "n.savez_compressed(d+'c.npz',topk_ids=a,topk_weights=w)\n"
      "n.save(d+'f.npy',n.asfortranarray(a)); n.save(d+'o.npy',n.array([{}],dtype=object))\n"
      "n.savez_compressed(d+'bomb.npz',topk_ids=n.zeros(300_000_000,'u1'))\n";
  const auto file = folder.write("make.py", script);
  ASSERT_EQ(std::system((python + " " + file + " " + folder.file("")).c_str()), 0);
  const std::vector<std::int64_t> expected = {3, 1, 0, 2, 1, 0, 2, 3, 2, 3, 1, 0};
  for (const char* name :
       {"u1.npy", "i1.npy", "u2.npy", "i2.npy", "i4.npy", "i8.npy", "s.npz", "c.npz"}) {
    const auto trace = import_trace({folder.file(name)}, {});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(trace.recording.arrays->topk_ids.integer(static_cast<std::int64_t>(i)), expected[i])
          << name;
    }
    EXPECT_EQ(trace.recording.arrays->weights.has_value(), std::string(name).ends_with("npz"));
  }
  EXPECT_THROW(import_trace({folder.file("f.npy")}, {}), InputError);
  EXPECT_THROW(import_trace({folder.file("o.npy")}, {}), InputError);
  try {
    import_trace({folder.file("bomb.npz")}, {});
    FAIL() << "the bomb was read";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("zip bomb"));
  }
}

}  // namespace
}  // namespace hotexpert
