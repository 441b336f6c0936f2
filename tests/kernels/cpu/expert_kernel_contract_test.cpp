#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/kernels/support/layer_run.hpp"

namespace hotexpert {
namespace {

using test::Routing;
using test::shape_of;
using test::tolerance;

/// Every expert of every list row must compute what the plain loops compute.
class ExpertKernelContract : public testing::TestWithParam<CpuKernelRow> {
 protected:
  /// In every data type and activation the kernel has.
  static void expect_equals_reference(const LayerShape& shape, const Routing& routing,
                                      const DispatchPlan& plan, const std::string& params = "") {
    for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
      for (const auto activation : {Activation::kSwiglu, Activation::kGelu, Activation::kRelu}) {
        LayerShape here = shape;
        here.dtype = dtype;
        here.activation = activation;
        if (GetParam().unsupported(here)) continue;
        const auto out =
            test::run_layer(GetParam(), here, plan, 2, GetParam().params.empty() ? "" : params);
        EXPECT_LE(test::relative_error(out, test::expected_layer(here, routing)), tolerance(dtype))
            << GetParam().name << ' ' << name(dtype) << ' ' << name(activation);
      }
    }
  }
  static void expect_equals_reference(const LayerShape& shape, const Routing& routing) {
    expect_equals_reference(shape, routing, test::plan_of(routing));
  }
};

TEST_P(ExpertKernelContract, UniformRouting) {
  const auto routing = test::route(24, 2, 4, [](auto t, int s) { return int((t + s) % 4); });
  expect_equals_reference(shape_of(4, 2, 64, 96), routing);
}

TEST_P(ExpertKernelContract, AHotExpertBesideColdOnes) {
  const auto routing = test::route(
      40, 2, 8, [](auto t, int s) { return s == 0 ? 5 : int(t % 2 == 0 ? t / 2 % 5 : 6 + t % 2); });
  expect_equals_reference(shape_of(8, 2, 64, 64), routing);
}

TEST_P(ExpertKernelContract, ExpertsWithoutAnyToken) {
  const auto routing = test::route(9, 1, 6, [](auto t, int) { return t % 2 == 0 ? 1 : 4; });
  expect_equals_reference(shape_of(6, 1, 48, 32), routing);
}

TEST_P(ExpertKernelContract, OneToken) {
  const auto routing = test::route(1, 2, 3, [](auto, int s) { return 2 - 2 * s; });
  expect_equals_reference(shape_of(3, 2, 64, 64), routing);
}

TEST_P(ExpertKernelContract, AllTokensOnOneExpert) {
  const auto routing = test::route(70, 1, 4, [](auto, int) { return 3; });
  expect_equals_reference(shape_of(4, 1, 64, 64), routing, test::plan_of(routing), ":tile_rows=16");
}

TEST_P(ExpertKernelContract, SizesThatAreMultiplesOfNothing) {
  const auto routing = test::route(19, 2, 3, [](auto t, int s) { return int((t + s) % 3); });
  expect_equals_reference(shape_of(3, 2, 37, 29), routing);
  expect_equals_reference(shape_of(3, 2, 1, 1), routing);
}

TEST_P(ExpertKernelContract, MatricesWiderThanABlock) {
  const auto routing = test::route(5, 1, 2, [](auto t, int) { return int(t % 2); });
  expect_equals_reference(shape_of(2, 1, 1100, 530), routing);
}

TEST_P(ExpertKernelContract, DroppedRowsContributeNothing) {
  const auto routing = test::route(16, 2, 4, [](auto t, int s) {
    if (t == 3 || (t > 7 && s == 1)) return Routing::kDropped;
    return int((t + s) % 4);
  });
  expect_equals_reference(shape_of(4, 2, 64, 64), routing, test::plan_of(routing, 7));
}

TEST_P(ExpertKernelContract, ReplicasOfAnExpert) {
  const auto routing = test::route(20, 1, 6, [](auto t, int) { return int(t % 6); });
  expect_equals_reference(shape_of(4, 1, 64, 64), routing);
}

TEST_P(ExpertKernelContract, SharedExpertsSeeEveryToken) {
  const auto routing =
      test::route(12, 1, 3, [](auto t, int) { return t == 4 ? Routing::kDropped : int(t % 2); });
  auto shape = shape_of(3, 1, 64, 64);
  shape.num_shared_experts = 2;
  expect_equals_reference(shape, routing);
}

TEST_P(ExpertKernelContract, WithoutGateWeightsEachSlotCountsEqually) {
  auto routing = test::route(10, 2, 4, [](auto t, int s) { return int((t + s) % 4); });
  routing.weights.clear();
  expect_equals_reference(shape_of(4, 2, 64, 64), routing);
}

TEST_P(ExpertKernelContract, GivesTheSameBitsForAnyThreadCount) {
  const auto routing =
      test::route(150, 2, 4, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 3); });
  const auto plan = test::plan_of(routing);
  for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
    auto shape = shape_of(4, 2, 128, 600);
    shape.dtype = dtype;
    if (GetParam().unsupported(shape)) continue;
    const auto one = test::run_layer(GetParam(), shape, plan, 1);
    EXPECT_EQ(one, test::run_layer(GetParam(), shape, plan, 2));
    EXPECT_EQ(one, test::run_layer(GetParam(), shape, plan, 3));
  }
}

/// Tiles of an expert by hand: every (row tile, column tile) once, none at a time when its worker
/// computes another.
void expect_every_tile_once(const TileRecords& tiles) {
  std::vector<std::set<std::pair<int, int>>> seen(tiles.grid.computed_rows.size());
  std::map<int, std::vector<std::pair<std::uint64_t, std::uint64_t>>> by_worker;
  for (const auto& tile : tiles.records) {
    ASSERT_LT(static_cast<std::size_t>(tile.expert), seen.size());
    EXPECT_TRUE(seen[static_cast<std::size_t>(tile.expert)]
                    .emplace(tile.row_tile, tile.column_tile)
                    .second);
    EXPECT_LE(tile.begin_ns, tile.end_ns);
    EXPECT_LT(tile.worker, tiles.grid.num_workers);
    by_worker[tile.worker].emplace_back(tile.begin_ns, tile.end_ns);
  }
  for (std::size_t expert = 0; expert < seen.size(); ++expert) {
    const auto rows = tiles.grid.computed_rows[expert];
    const auto row_tiles = (rows + tiles.grid.rows_a_tile - 1) / tiles.grid.rows_a_tile;
    EXPECT_EQ(std::ssize(seen[expert]), row_tiles * tiles.grid.column_tiles) << "expert " << expert;
    for (const auto& [row, column] : seen[expert]) {
      EXPECT_LT(row, row_tiles);
      EXPECT_LT(column, tiles.grid.column_tiles);
    }
  }
  for (auto& [worker, spans] : by_worker) {
    std::ranges::sort(spans);
    for (std::size_t i = 1; i < spans.size(); ++i)
      EXPECT_LE(spans[i - 1].second, spans[i].first) << "worker " << worker;
  }
}

TEST_P(ExpertKernelContract, TracedItComputesTheSameBitsAndRecordsEveryTileOnce) {
  const auto routing =
      test::route(150, 2, 5, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 3); });
  const auto plan = test::plan_of(routing);
  auto shape = shape_of(5, 2, 128, 600);
  shape.num_shared_experts = 1;
  const std::string params = GetParam().params.empty() ? "" : ":tile_rows=32";
  for (const int threads : {1, 2, 3}) {
    TileRecords tiles;
    EXPECT_EQ(test::run_layer(GetParam(), shape, plan, threads, params),
              test::run_layer(GetParam(), shape, plan, threads, params, &tiles));
    if (!tiles.untraced.empty()) continue;
    EXPECT_EQ(tiles.grid.num_workers, threads);
    EXPECT_EQ(tiles.grid.token_rows, (std::vector<std::int64_t>{150, 50, 50, 50, 0, 150}));
    expect_every_tile_once(tiles);
  }
}

constexpr const char* kExamplePlugin = "plugin:" HOTEXPERT_BINARY_DIR "/plugins/expert_loop.so";

/// The list, and the example plugin as if it were a row.
std::vector<CpuKernelRow> kernels() {
  std::vector<CpuKernelRow> rows(cpu_kernels().begin(), cpu_kernels().end());
  rows.push_back({"plugin",
                  "the example",
                  {},
                  [](const LayerShape& shape) {
                    return cpu_kernel_unsupported(shape, kExamplePlugin, shape.num_experts, 1);
                  },
                  [](const LayerShape& shape, const NamedChoice&, int num_experts, int threads) {
                    return make_cpu_kernel(shape, kExamplePlugin, num_experts, threads);
                  }});
  return rows;
}

INSTANTIATE_TEST_SUITE_P(CpuKernels, ExpertKernelContract, testing::ValuesIn(kernels()),
                         [](const auto& row) {
                           std::string text(row.param.name);
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

}  // namespace
}  // namespace hotexpert
