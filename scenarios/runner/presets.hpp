#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hotexpert {

/// The shape of one MoE layer of a published model.
struct PresetRow {
  std::string_view name;
  std::string_view summary;  ///< the model, and where the numbers are published
  int num_experts;
  int top_k;
  std::int64_t d_model;
  std::int64_t d_ff;
  int num_shared_experts;
  int moe_layers;  ///< MoE layers in the whole model
};

std::span<const PresetRow> presets();

}  // namespace hotexpert
