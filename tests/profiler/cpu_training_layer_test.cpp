#include "profiler/cpu_training_layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "profiler/cpu_backend.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LayerShape small_shape(DataType dtype = DataType::kFp32) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 96;
  shape.d_ff = 64;
  shape.num_shared_experts = 1;
  shape.dtype = dtype;
  return shape;
}

DispatchPlan skewed_plan() {
  return test::plan_of(
      test::route(150, 2, 4, [](auto t, int s) { return s == 0 ? 2 : int(t % 2 == 0 ? 0 : 3); }));
}

DispatchPlan even_plan() {
  return test::plan_of(test::route(150, 2, 4, [](auto t, int s) { return int((t + 2 * s) % 4); }));
}

class CpuTrainingLayerTest : public testing::TestWithParam<const char*> {};

TEST_P(CpuTrainingLayerTest, EveryGradientIsThatOfFp64InBothPasses) {
  for (const auto pass : {LayerPass::kBackward, LayerPass::kTraining}) {
    const auto backend = make_cpu_backend(2, pass);
    for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
      if (backend->unsupported(small_shape(dtype), GetParam())) continue;
      const auto layer = backend->prepare(small_shape(dtype), GetParam(), 4, 7);
      const int skewed = layer->load(skewed_plan());
      const int even = layer->load(even_plan());
      // Interleaved, as arms are: each keeps its own activations, and gradients are those of the
      // last run.
      for (const int handle : {skewed, even, skewed}) {
        layer->run(handle);
        int bad = -1;
        EXPECT_LE(layer->verify(handle, bad), dtype == DataType::kFp32 ? 5e-6 : 5e-3)
            << name(pass) << ' ' << name(dtype) << " expert " << bad;
      }
    }
  }
}

TEST_P(CpuTrainingLayerTest, ItsPhasesAddUp) {
  const auto layer =
      make_cpu_backend(2, LayerPass::kTraining)->prepare(small_shape(), GetParam(), 4, 7);
  const int handle = layer->load(skewed_plan());
  const auto times = layer->run(handle);
  EXPECT_LE(*times.forward_s + *times.backward_s, times.total_s);
  EXPECT_LE(*times.permute_s + *times.expert_ffn_s + *times.combine_s, times.total_s);
  EXPECT_LT(*times.dgrad_s + *times.wgrad_s, *times.expert_ffn_s);  // forward's experts are in it
  EXPECT_LE(*times.dgrad_s + *times.wgrad_s, *times.backward_s);
}

TEST_P(CpuTrainingLayerTest, TheBackwardPassAloneHasNoForwardTime) {
  const auto layer =
      make_cpu_backend(1, LayerPass::kBackward)->prepare(small_shape(), GetParam(), 4, 7);
  const auto times = layer->run(layer->load(skewed_plan()));
  EXPECT_FALSE(times.forward_s.has_value());
  EXPECT_EQ(times.backward_s, times.total_s);
  EXPECT_DOUBLE_EQ(*times.dgrad_s + *times.wgrad_s, *times.expert_ffn_s);
}

std::vector<std::string> bands_of(const TracedPass& traced) {
  std::vector<std::string> passes;
  for (const auto& band : traced.timeline.grid.bands) passes.push_back(band.pass);
  return passes;
}

TEST_P(CpuTrainingLayerTest, ATracedPassRecordsEachTileOfEveryPassOnce) {
  for (const auto pass : {LayerPass::kBackward, LayerPass::kTraining}) {
    const auto layer = make_cpu_backend(2, pass)->prepare(small_shape(), GetParam(), 4, 7);
    const auto plan = skewed_plan();
    const int handle = layer->load(plan);
    const auto traced = layer->run_traced(handle);
    EXPECT_EQ(traced.untraced, "");
    EXPECT_THAT(timeline_faults(traced.timeline), IsEmpty());
    if (pass == LayerPass::kBackward)
      EXPECT_THAT(bands_of(traced), ElementsAre("dgrad", "wgrad", "wgrad sums"));
    else
      EXPECT_THAT(bands_of(traced), ElementsAre("forward", "dgrad", "wgrad", "wgrad sums"));
    int bad = -1;
    EXPECT_LE(layer->verify(handle, bad), 5e-6) << "what is traced is the same computation";
    EXPECT_GT(*traced.processor_s, 0);
    layer->run(handle);
    EXPECT_EQ(layer->run_traced(handle).timeline.tiles.size(), traced.timeline.tiles.size());
  }
}

TEST_P(CpuTrainingLayerTest, TheInnerDimensionOfWeightGradientsIsTheRowsOfAnExpert) {
  const auto layer =
      make_cpu_backend(2, LayerPass::kBackward)->prepare(small_shape(), GetParam(), 4, 7);
  const auto plan = skewed_plan();  // 75, 0, 150 and 75 rows, and a shared expert of 150
  const auto traced = layer->run_traced(layer->load(plan));
  const auto& grid = traced.timeline.grid;
  std::map<int, std::map<std::int64_t, std::int64_t>> rows;  // by expert and column tile
  std::int64_t sums = 0;
  for (const auto& tile : traced.timeline.tiles) {
    const auto& band = *grid.band(tile.column_tile);
    if (band.pass == "wgrad") rows[tile.expert][tile.column_tile] += rows_of(grid, tile).token;
    if (band.pass == "wgrad sums") ++sums;
  }
  for (int expert = 0; expert < 5; ++expert) {
    ASSERT_FALSE(rows[expert].empty()) << expert;
    for (const auto& [column, seen] : rows[expert])
      EXPECT_EQ(seen, expert == 4 ? 150 : plan.rows(expert)) << expert << ' ' << column;
  }
  const bool split = std::string_view(GetParam()).find("split") != std::string_view::npos;
  EXPECT_EQ(sums > 0, split);
}

INSTANTIATE_TEST_SUITE_P(Kernels, CpuTrainingLayerTest,
                         testing::Values("loop", "padded", "grouped",
                                         "grouped:wgrad=split:split_rows=40"),
                         [](const auto& row) {
                           std::string text = row.param;
                           for (char& c : text)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return text;
                         });

TEST(CpuBackendTest, AKernelWithoutABackwardPassSaysSo) {
  const auto backend = make_cpu_backend(1, LayerPass::kTraining);
  for (const char* kernel : {"reference", "eigen-grouped"}) {
    EXPECT_THAT(backend->unsupported(small_shape(), kernel).value_or(""),
                HasSubstr("has no backward pass; use layer.pass forward"));
  }
  EXPECT_EQ(make_cpu_backend(1)->unsupported(small_shape(), "eigen-grouped"), std::nullopt);
}

}  // namespace
}  // namespace hotexpert
