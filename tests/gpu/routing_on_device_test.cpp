#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda/device_buffer.hpp"
#include "kernels/cuda/router_top_k.hpp"
#include "sim/base/random.hpp"
#include "tests/gpu/device_layer_run.hpp"
#include "tests/kernels/cuda/host_block.hpp"

namespace hotexpert {
namespace {

class RoutingOnDevice : public test::OnDevice {};

TEST_F(RoutingOnDevice, TopKChoosesWhatTheHostChoosesForAnyLogits) {
  constexpr int kTokens = 3000;
  constexpr int kExperts = 100;
  constexpr int kTopK = 8;
  std::vector<float> logits;
  RandomStream stream({4, RandomPurpose::kTest, 0, 0}, 0);
  for (int i = 0; i < kTokens * kExperts; ++i) {
    const auto kind = stream.below(40);
    logits.push_back(kind == 0   ? std::nanf("")
                     : kind == 1 ? HUGE_VALF
                     : kind == 2 ? 0.5F
                                 : static_cast<float>(stream.normal()));
  }
  std::vector<std::int32_t> expert(kTokens * kTopK);
  std::vector<std::int32_t> invalid(kTokens);
  std::vector<float> weight(kTokens * kTopK);
  std::vector<std::uint32_t> order(kExperts);
  const RouterTopK host{logits.data(), kExperts,      kTopK,         RouterScore::kSigmoid,
                        expert.data(), weight.data(), invalid.data()};
  for (int t = 0; t < kTokens; ++t) route_token(test::HostBlock{}, host, t, order.data());

  const auto device_logits = device_copy(logits);
  DeviceBuffer device_expert(kTokens * kTopK * 4);
  DeviceBuffer device_weight(kTokens * kTopK * 4);
  DeviceBuffer device_invalid(kTokens * 4);
  for (auto* buffer : {&device_expert, &device_weight, &device_invalid}) buffer->poison();
  RouterTopK router = host;
  router.logits = device_logits.as<float>();
  router.expert = device_expert.as<std::int32_t>();
  router.weight = device_weight.as<float>();
  router.invalid_token = device_invalid.as<std::int32_t>();
  launch_router_top_k(router, kTokens, nullptr);
  EXPECT_EQ(host_copy<std::int32_t>(device_expert, kTokens * kTopK), expert);
  EXPECT_EQ(host_copy<std::int32_t>(device_invalid, kTokens), invalid);
  const auto weights = host_copy<float>(device_weight, kTokens * kTopK);
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(weights[i], weight[i], 1e-6F);
}

}  // namespace
}  // namespace hotexpert
