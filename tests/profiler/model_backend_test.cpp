#include "profiler/model_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/errors.hpp"
#include "sim/model/predict.hpp"

namespace hotexpert {
namespace {

DeviceDescription device() {
  DeviceDescription out;
  out.name = "bench";
  out.source = "planted";
  out.units = 4;
  out.peak_bf16_flops_per_s = 1e12;
  out.peak_fp32_flops_per_s = 5e11;
  out.peak_memory_bytes_per_s = 1e11;
  out.cache_bytes = 1e6;
  out.memory_bytes = 1e10;
  out.held_out_error = 0.07;
  return out;
}

DispatchPlan plan() {
  DispatchPlan out;
  out.tokens = 6;
  out.slots = 1;
  out.num_physical = 2;
  out.expert_offsets = {0, 5, 6};
  out.source_token = {0, 1, 2, 3, 4, 5};
  return out;
}

LayerShape shape() {
  LayerShape out;
  out.num_experts = 2;
  out.top_k = 1;
  out.d_model = out.d_ff = 256;
  return out;
}

TEST(ModelBackendTest, ItAnswersWhatTheLawsSayAndHowFarToTrustThem) {
  const auto backend = make_model_backend({1, device()});
  EXPECT_EQ(backend->info().provenance, Provenance::kModelled);
  EXPECT_EQ(backend->info().held_out_error, 0.07);
  const auto layer = backend->prepare(shape(), "padded", 2, 1);
  const int handle = layer->load(plan());
  EXPECT_EQ(layer->run(handle).total_s, predict(plan(), shape(), "padded", device()).total_s);
  EXPECT_EQ(layer->run(handle).total_s, layer->run(handle).total_s);
  EXPECT_EQ(layer->computed_rows(handle), 10);
}

TEST(ModelBackendTest, ADeviceThatWasNeverComparedHasNoError) {
  DeviceDescription unknown = device();
  unknown.held_out_error = 0;
  EXPECT_FALSE(make_model_backend({1, unknown})->info().held_out_error.has_value());
}

TEST(ModelBackendTest, KernelsWithoutALawAreRefusedByName) {
  const auto backend = make_model_backend({1, device()});
  EXPECT_FALSE(backend->unsupported(shape(), "grouped-sm90:order=hot-first").has_value());
  EXPECT_THROW((void)backend->unsupported(shape(), "reference"), UsageError);
}

TEST(ModelBackendTest, WithoutADeviceItIsListedAndNotPrepared) {
  const auto backend = make_model_backend({});
  EXPECT_TRUE(backend->info().unavailable.empty());
  EXPECT_THROW(backend->prepare(shape(), "grouped", 2, 1), std::logic_error);
}

TEST(ModelBackendTest, PricesTheForwardPassOnly) {
  const auto backend = make_model_backend({1, device(), LayerPass::kTraining});
  EXPECT_THAT(backend->unsupported(shape(), "grouped").value_or(""),
              testing::HasSubstr("the forward pass only"));
}

}  // namespace
}  // namespace hotexpert
