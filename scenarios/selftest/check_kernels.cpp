#include <fmt/format.h>

#include "kernels/cpu/expert_kernel.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "scenarios/selftest/small_layer.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kTokens = 96;

LayerShape shape_of(Activation activation, DataType dtype) {
  LayerShape shape;
  shape.d_model = 64;
  shape.d_ff = 80;  // no multiple of a vector or a tile: tails are tested too
  shape.activation = activation;
  shape.dtype = dtype;
  return shape;
}

SelfCheckAnswer check(LayerBackend& backend, std::string_view kernel, const LayerShape& shape) {
  SelfCheckAnswer answer{.what = fmt::format("{}, {}, {}: largest expert error", kernel,
                                             name(shape.dtype), name(shape.activation))};
  answer.tolerance = error_tolerance(shape.dtype);
  if (const auto reason = backend.unsupported(shape, kernel)) {
    answer.skipped = *reason;
    return answer;
  }
  SmallLayer small(backend, shape, std::string(kernel), kTokens);
  small.layer->run(small.handle);
  int bad_expert = -1;
  answer.found = small.layer->verify(small.handle, bad_expert);
  if (!answer.ok()) answer.note = fmt::format("expert {} is wrong", bad_expert);
  return answer;
}

}  // namespace

std::vector<SelfCheckAnswer> check_kernels() {
  std::vector<SelfCheckAnswer> answers;
  const auto backend = layer_backends().front().make({available_threads(), {}});
  for (const auto& kernel : cpu_kernels()) {
    for (const auto dtype : {DataType::kFp32, DataType::kBf16}) {
      for (const auto activation : {Activation::kSwiglu, Activation::kGelu, Activation::kRelu})
        answers.push_back(check(*backend, kernel.name, shape_of(activation, dtype)));
    }
  }
  return answers;
}

}  // namespace hotexpert
