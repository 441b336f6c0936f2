#include "sim/traces/twin.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/traces/recorded_trace.hpp"
#include "sim/traces/synthetic_trace.hpp"
#include "sim/traces/trace_writer.hpp"

namespace hotexpert {
namespace {

std::string twin_bytes(const ArrayView& array) {
  return {reinterpret_cast<const char*>(array.data),
          static_cast<std::size_t>(array.elements()) * size_of(array.type)};
}

TEST(TwinTest, OfAUniformTraceIsUniform) {
  SyntheticSpec spec;
  spec.num_experts = 16;
  spec.tokens = 40000;
  spec.weights = true;
  const auto trace = make_synthetic_trace(spec);
  const auto model = fit_twin(*trace);
  EXPECT_LT(model.layers[0].repeat, 0.03);
  EXPECT_NEAR(model.layers[0].weight_power, 1.0, 0.1);
  const auto twin = draw_twin(model, {.seed = 3});
  const auto rows = twin_fidelity(arrays_of(*trace), twin, draw_twin(model, {}, false), 16, {256});
  for (const auto& row : rows) {
    EXPECT_NEAR(row.twin, row.original, 0.05 * row.original + 0.005) << row.metric;
  }
}

TEST(TwinTest, ThreadsAndRepetitionDoNotChangeItsBytes) {
  SyntheticSpec spec;
  spec.layers = 3;
  spec.tokens = 500;
  const auto model = fit_twin(*make_synthetic_trace(spec));
  const auto one = twin_bytes(draw_twin(model, {.threads = 1}).topk_ids);
  EXPECT_EQ(twin_bytes(draw_twin(model, {.threads = 3}).topk_ids), one);
  EXPECT_NE(twin_bytes(draw_twin(model, {.seed = 1}).topk_ids), one);
  EXPECT_THROW(fit_twin(*make_synthetic_trace(spec), {.window = 400}), UsageError);
}

TEST(TwinTest, ExpertsChosenTogetherAreDrawnTogether) {
  SyntheticSpec spec;
  spec.num_experts = 32;
  spec.top_k = 4;
  spec.tokens = 30000;
  spec.model = "coactivated:strength=0.7";
  spec.weights = false;
  const auto trace = make_synthetic_trace(spec);
  const auto model = fit_twin(*trace);
  const auto rows = twin_fidelity(arrays_of(*trace), draw_twin(model, {.seed = 5}),
                                  draw_twin(model, {}, false), 32, {1000});
  for (const auto& row : rows) {
    if (row.metric != "pair_lift") continue;
    EXPECT_GT(row.original, 1.5);  // a quarter of the pairs are partners, who meet 6 times as often
    EXPECT_NEAR(row.twin, row.original, 0.1 * row.original);
    EXPECT_LT(row.iid, 1.0);
  }
}

TEST(TwinTest, OfTheGptOssTraceDropsLikeItInOrderWhereTheIidTwinDoesNot) {
  const auto file = std::filesystem::path(HOTEXPERT_SOURCE_DIR) / ".." /
                    "shared/traces/gpt-oss-20b/topk_ids_u8.npy";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  const RecordedSpec spec{.file = file.string(), .num_experts = 32};
  const auto original = open_trace_arrays(file.string());
  const auto model = fit_twin(*open_recorded_trace(spec), {.threads = 2});
  const auto twin = draw_twin(model, {.threads = 2});
  const auto iid = draw_twin(model, {.threads = 2}, false);
  bool iid_is_wrong = false;
  for (const auto& row : twin_fidelity(original, twin, iid, 32, {256, 1024, 4096}, 2)) {
    const double allowed = std::max(0.1 * row.original, 0.005);
    if (row.metric == "pair_lift") {
      EXPECT_NEAR(row.twin, row.original, 0.1 * row.original);
      EXPECT_LT(row.iid, 0.7 * row.original) << "independent tokens do not choose in company";
    }
    if (row.metric.rfind("drop", 0) == 0) {
      EXPECT_NEAR(row.twin, row.original, allowed) << row.metric << ", steps of " << row.tokens;
      iid_is_wrong = iid_is_wrong || std::abs(row.iid - row.original) > allowed;
    }
  }
  EXPECT_TRUE(iid_is_wrong);
  // No rows are copied: a replay would repeat nearly all of them.
  std::int64_t equal = 0;
  const std::int64_t row = 24 * 4;
  for (std::int64_t t = 0; t < original.tokens(); ++t) {
    bool same = true;
    for (std::int64_t i = 0; i < row && same; ++i) {
      same = original.topk_ids.integer(t * row + i) == twin.topk_ids.integer(t * row + i);
    }
    equal += same;
  }
  EXPECT_EQ(equal, 0);
}

}  // namespace
}  // namespace hotexpert
