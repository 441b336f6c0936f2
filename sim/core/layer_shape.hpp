#pragma once

#include <cstdint>
#include <string_view>

namespace hotexpert {

enum class Activation : std::uint8_t { kSwiglu, kGelu, kRelu };
enum class DataType : std::uint8_t { kFp32, kBf16 };

std::string_view name(Activation activation);        ///< "swiglu", "gelu", "relu"
std::string_view name(DataType dtype);               ///< "fp32", "bf16"
Activation parse_activation(std::string_view text);  ///< @throws UsageError
DataType parse_dtype(std::string_view text);         ///< @throws UsageError
std::int64_t bytes_per_element(DataType dtype);

/// One Mixture-of-Experts layer: E experts of width d_ff over tokens of width d_model, k chosen a
/// token.
struct LayerShape {
  int num_experts = 8;  ///< E
  int top_k = 2;        ///< k
  std::int64_t d_model = 1024;
  std::int64_t d_ff = 4096;
  int num_shared_experts = 0;  ///< experts every token passes, outside the routing
  Activation activation = Activation::kSwiglu;
  DataType dtype = DataType::kFp32;
  int scale = 1;  ///< the preset's d_model and d_ff were divided by this; shown in results

  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

/// @throws UsageError naming the field unless 1 <= k <= E <= 32767, widths >= 1 and shared experts
/// >= 0.
void validate(const LayerShape& shape);

/// Weight matrices of an expert: 3 for SwiGLU (gate, up, down), else 2 (up, down).
int matrices_per_expert(Activation activation);

/// Floating-point operations of `rows` rows through one expert, forward: 2 * rows * d_model * d_ff
/// * matrices.
double flops_per_expert(const LayerShape& shape, std::int64_t rows);

/// Bytes of one expert's weights in the layer's data type.
std::int64_t weight_bytes_per_expert(const LayerShape& shape);

}  // namespace hotexpert
