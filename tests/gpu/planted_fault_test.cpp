#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include "kernels/cuda/step.hpp"
#include "kernels/expert_weights.hpp"
#include "kernels/normal_data.hpp"
#include "profiler/layer_check.hpp"
#include "tests/gpu/device_layer_run.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert {
namespace {

constexpr std::uint64_t kSeed = 21;
constexpr int kExperts = 8;
constexpr int kHot = 2;
constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));

/// What is done wrong on purpose.
enum class Planted { kNothing, kWrongExpert, kSwappedTokens, kLostWeight, kTailIn, kTailDown };

void copy_on_device(void* to, const void* from, std::int64_t bytes) {
  ASSERT_EQ(cudaMemcpy(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice),
            cudaSuccess);
}

/// Zeros the last inner value of every row: a product that stops one short of K.
void drop_last_column(std::byte* matrix, std::int64_t rows, std::int64_t columns,
                      std::int64_t element) {
  ASSERT_EQ(
      cudaMemset2D(matrix + (columns - 1) * element, static_cast<std::size_t>(columns * element), 0,
                   static_cast<std::size_t>(element), static_cast<std::size_t>(rows)),
      cudaSuccess);
}

void plant_in_weights(Planted planted, const LayerShape& shape, const DeviceWeights& weights) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t in_bytes = in_columns(shape) * shape.d_model * element;
  const std::int64_t down_bytes = shape.d_model * shape.d_ff * element;
  std::byte* in = weights.in.as<std::byte>() + kHot * in_bytes;
  std::byte* down = weights.down.as<std::byte>() + kHot * down_bytes;
  if (planted == Planted::kWrongExpert) {
    copy_on_device(in, weights.in.data(), in_bytes);
    copy_on_device(down, weights.down.data(), down_bytes);
  }
  if (planted == Planted::kTailIn) drop_last_column(in, in_columns(shape), shape.d_model, element);
  if (planted == Planted::kTailDown) drop_last_column(down, shape.d_model, shape.d_ff, element);
}

/// Tokens 0 and 1 both go to the hot expert.
void plant_in_plan(Planted planted, const LayerShape& shape, const PlanBuffers& plan) {
  if (planted == Planted::kSwappedTokens) {
    const std::int64_t row = shape.d_model * bytes_per_element(shape.dtype);
    const DeviceBuffer kept(row);
    auto* first = plan.activations.as<std::byte>();
    copy_on_device(kept.data(), first, row);
    copy_on_device(first, first + row, row);
    copy_on_device(first + row, kept.data(), row);
  }
  if (planted == Planted::kLostWeight) {
    ASSERT_EQ(cudaMemset(plan.weight_of_slot.data(), 0, sizeof(float)), cudaSuccess);
  }
}

LayerError error_of(const std::string& kernel, const LayerShape& shape, Planted planted,
                    const CudaDevice& device) {
  const auto plan = test::plan_of(
      test::route(300, 2, kExperts, [](auto t, int s) { return s == 0 ? kHot : int(3 + t % 5); }));
  const auto choice = choose_cuda_kernel(shape, kernel, plan.tokens, device);
  const auto rows = choice.strategy == CudaStrategy::kPadded ? padded_rows(plan, shape)
                                                             : compact_rows(plan, shape);
  DeviceBuffer quantiles(static_cast<std::int64_t>(normal_quantiles().size_bytes()));
  quantiles.upload(normal_quantiles().data(), quantiles.bytes());
  std::vector<DeviceWeights> weights;
  weights.push_back(draw_device_weights(shape, kSeed, kExperts, quantiles));
  plant_in_weights(planted, shape, weights.front());
  auto buffers = make_plan_buffers(shape, kSeed, rows, choice, quantiles);
  plant_in_plan(planted, shape, buffers);
  StepBench bench;
  bench.multiprocessors = device.multiprocessors;
  for (auto* stamps : {&bench.stamps_before, &bench.stamps_after}) {
    *stamps = DeviceBuffer(std::int64_t{device.multiprocessors} *
                           static_cast<std::int64_t>(sizeof(ClockStamp)));
    stamps->zero();
  }
  DeviceStep step(shape, std::move(buffers), weights, bench);
  step.run();
  const auto y = host_copy<std::byte>(
      step.plan().y, rows.buffer_rows() * shape.d_model * bytes_per_element(shape.dtype));
  const auto out = host_copy<float>(step.plan().out, rows.tokens * shape.d_model);
  AlignedBuffer x(rows.tokens * shape.d_model * kFloat);
  draw_activations(shape, kSeed, rows.tokens, 2, x.data());
  return check_layer(shape, kSeed, {&rows, x.data(), y.data(), out.data()}, 4);
}

class PlantedFaultOnDevice : public test::OnDevice,
                             public testing::WithParamInterface<const char*> {};

TEST_P(PlantedFaultOnDevice, IsCaughtAndItsExpertNamed) {
  const auto device = runtime().device();
  int checked = 0;
  for (const auto dtype : {DataType::kBf16, DataType::kFp32}) {
    LayerShape shape;
    shape.num_experts = kExperts;
    shape.d_model = 264;
    shape.d_ff = 328;
    shape.dtype = dtype;
    if (cuda_unsupported(shape, GetParam(), device)) continue;
    ++checked;
    const double tolerance = dtype == DataType::kBf16 ? 5e-3 : 5e-6;
    EXPECT_LE(error_of(GetParam(), shape, Planted::kNothing, device).largest, tolerance);
    for (const auto planted : {Planted::kWrongExpert, Planted::kSwappedTokens, Planted::kLostWeight,
                               Planted::kTailIn, Planted::kTailDown}) {
      const auto error = error_of(GetParam(), shape, planted, device);
      EXPECT_GT(error.largest, 3 * tolerance) << name(dtype) << " fault " << int(planted);
      EXPECT_EQ(error.expert, planted == Planted::kLostWeight ? -1 : kHot)
          << name(dtype) << " fault " << int(planted);
    }
  }
  if (checked == 0) GTEST_SKIP() << "this device cannot run it";
}

INSTANTIATE_TEST_SUITE_P(Kernels, PlantedFaultOnDevice,
                         testing::Values("grouped-sm90", "grouped-sm90:tile_rows=128",
                                         "grouped-mma", "grouped-plain", "padded:gemm=own",
                                         "loop:gemm=own", "streams:gemm=own", "grouped-cublas"));

}  // namespace
}  // namespace hotexpert
