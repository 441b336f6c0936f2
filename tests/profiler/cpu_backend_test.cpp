#include "profiler/cpu_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string_view>

#include "profiler/tile_timeline.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

LayerShape small_shape() {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 256;
  shape.d_ff = 512;
  return shape;
}

DispatchPlan skewed_plan() {
  return test::plan_of(
      test::route(300, 2, 4, [](auto t, int s) { return s == 0 ? 2 : int(t % 2 == 0 ? 0 : 3); }));
}

class TracedCpuLayerTest : public testing::TestWithParam<const char*> {};

TEST_P(TracedCpuLayerTest, ItsTilesAreSoundAndLieInsideTheExpertPhase) {
  const auto backend = make_cpu_backend(2);
  const auto layer = backend->prepare(small_shape(), GetParam(), 4, 7);
  const int handle = layer->load(skewed_plan());
  layer->run(handle);
  const auto untraced = layer->read_output(handle);
  for (int pass = 0; pass < 5; ++pass) {
    const auto traced = layer->run_traced(handle);
    EXPECT_EQ(traced.untraced, "");
    EXPECT_THAT(timeline_faults(traced.timeline), IsEmpty());
    EXPECT_EQ(layer->read_output(handle), untraced);
    const auto summary = summarise(traced.timeline);
    EXPECT_LE(summary.span_s, *traced.times.expert_ffn_s);
    EXPECT_LE(*traced.times.permute_s + *traced.times.expert_ffn_s + *traced.times.combine_s,
              traced.times.total_s);
    EXPECT_NEAR(std::accumulate(summary.expert_share.begin(), summary.expert_share.end(), 0.0), 1,
                1e-9);
    const bool pads = std::string_view(GetParam()).starts_with("padded");
    EXPECT_EQ(summary.expert_share[1] > 0, pads) << "expert 1 has no token";
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, TracedCpuLayerTest,
                         testing::Values("loop", "padded:tile_rows=64", "grouped:tile_rows=64",
                                         "reference"),
                         [](const auto& row) {
                           const std::string text = row.param;
                           return text.substr(0, text.find(':'));
                         });

TEST(CpuBackendTest, SaysThatThereIsNoCaptureToStart) {
  const auto backend = make_cpu_backend(1);
  EXPECT_THAT(backend->start_capture(), HasSubstr("'cpu' has no cudaProfilerStart"));
  backend->stop_capture();
}

/// A backend that knows nothing of tiles.
class PlainLayer final : public PreparedLayer {
 public:
  int load(const DispatchPlan&) override { return 0; }
  void unload() override {}
  PhaseTimes run(int) override {
    PhaseTimes times;
    times.total_s = 1;
    return times;
  }
  std::vector<float> read_output(int) override { return {}; }
  double verify(int, int&) override { return 0; }
  [[nodiscard]] std::int64_t computed_rows(int) const override { return 0; }
};

TEST(PreparedLayerTest, ABackendWithoutTilesRunsAndSaysSo) {
  const auto traced = PlainLayer().run_traced(0);
  EXPECT_EQ(traced.times.total_s, 1);
  EXPECT_THAT(traced.timeline.tiles, IsEmpty());
  EXPECT_EQ(traced.untraced, "This backend records no tiles.");
}

}  // namespace
}  // namespace hotexpert
