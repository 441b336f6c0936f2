#include "sim/core/layer_shape.hpp"

#include <fmt/format.h>

#include <array>

#include "sim/base/registry.hpp"
#include "sim/core/ids.hpp"

namespace hotexpert {
namespace {

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

constexpr std::array kActivations = {Named<Activation>{"swiglu", Activation::kSwiglu},
                                     Named<Activation>{"gelu", Activation::kGelu},
                                     Named<Activation>{"relu", Activation::kRelu}};
constexpr std::array kDataTypes = {Named<DataType>{"fp32", DataType::kFp32},
                                   Named<DataType>{"bf16", DataType::kBf16}};

}  // namespace

std::string_view name(Activation activation) {
  return kActivations[static_cast<std::size_t>(activation)].name;
}
std::string_view name(DataType dtype) { return kDataTypes[static_cast<std::size_t>(dtype)].name; }
Activation parse_activation(std::string_view text) {
  return find_row(kActivations, "activation", text).value;
}
DataType parse_dtype(std::string_view text) {
  return find_row(kDataTypes, "data type", text).value;
}
std::int64_t bytes_per_element(DataType dtype) { return dtype == DataType::kFp32 ? 4 : 2; }

void validate(const LayerShape& shape) {
  if (shape.num_experts < 1 || shape.num_experts > kMaxExperts) {
    throw UsageError(
        fmt::format("layer.experts: {} is outside 1 to {}", shape.num_experts, kMaxExperts));
  }
  if (shape.top_k < 1) throw UsageError(fmt::format("layer.top_k: {} is below 1", shape.top_k));
  if (shape.top_k > shape.num_experts) {
    throw UsageError(
        fmt::format("layer.top_k: {} is more than layer.experts = {} (each token needs that many "
                    "different experts)",
                    shape.top_k, shape.num_experts));
  }
  if (shape.d_model < 1)
    throw UsageError(fmt::format("layer.d_model: {} is below 1", shape.d_model));
  if (shape.d_ff < 1) throw UsageError(fmt::format("layer.d_ff: {} is below 1", shape.d_ff));
  if (shape.num_shared_experts < 0) {
    throw UsageError(fmt::format("layer.shared_experts: {} is negative", shape.num_shared_experts));
  }
}

int matrices_per_expert(Activation activation) { return activation == Activation::kSwiglu ? 3 : 2; }

double flops_per_expert(const LayerShape& shape, std::int64_t rows) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(shape.d_model) *
         static_cast<double>(shape.d_ff) * matrices_per_expert(shape.activation);
}

std::int64_t weight_bytes_per_expert(const LayerShape& shape) {
  return shape.d_model * shape.d_ff * matrices_per_expert(shape.activation) *
         bytes_per_element(shape.dtype);
}

}  // namespace hotexpert
