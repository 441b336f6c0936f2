#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "kernels/aligned_buffer.hpp"
#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/expert_weights.hpp"
#include "sim/core/dispatch_plan.hpp"

namespace hotexpert {

inline void PrintTo(const CpuKernelRow& row, std::ostream* out) { *out << row.name; }

}  // namespace hotexpert

namespace hotexpert::test {

inline constexpr std::uint64_t kSeed = 11;

/// The largest ||out - ref|| / ||ref|| of a kernel that is right.
inline double tolerance(DataType dtype) { return dtype == DataType::kFp32 ? 5e-6 : 5e-3; }

inline LayerShape shape_of(int experts, int top_k, std::int64_t d_model, std::int64_t d_ff) {
  LayerShape shape;
  shape.num_experts = experts;
  shape.top_k = top_k;
  shape.d_model = d_model;
  shape.d_ff = d_ff;
  return shape;
}

/// Inputs of the layer, [tokens, d_model] in the layer's type.
inline AlignedBuffer activations_of(const LayerShape& shape, std::int64_t tokens,
                                    std::uint64_t seed = kSeed) {
  AlignedBuffer activations(tokens * shape.d_model * bytes_per_element(shape.dtype));
  draw_activations(shape, seed, tokens, 1, activations.data());
  return activations;
}

/// A kernel for the plan that holds every expert's weights, shared experts last.
/// @param make    `row.make` or `row.make_training`
/// @param params  ":tile_rows=16", or ""
template <class Factory>
auto kernel_with_weights(const Factory& make, const CpuKernelRow& row, const LayerShape& shape,
                         const DispatchPlan& plan, int threads, const std::string& params) {
  const auto choice = NamedChoice::parse(std::string(row.name) + params, row.params, "kernel");
  const int num_experts = plan.num_physical + shape.num_shared_experts;
  auto kernel = make(shape, choice, num_experts, threads);
  ExpertWeights weights;
  for (int expert = 0; expert < num_experts; ++expert) {
    draw_expert_weights(shape, kSeed, expert, threads, weights);
    kernel->set_weights(expert, weights);
  }
  return kernel;
}

}  // namespace hotexpert::test
