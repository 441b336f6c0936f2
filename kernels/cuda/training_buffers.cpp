#include "kernels/cuda/training_buffers.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <vector>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/normal_fill.hpp"
#include "kernels/cuda/plan/device_training.hpp"
#include "kernels/cuda/wait.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kRowNumberBytes = 4;
constexpr std::int64_t kFloatBytes = 4;
constexpr std::uint32_t kOutputGradientStep =
    3;  ///< as draw_output_gradient() of profiler/backward_check.cpp

/// Copies a matrix of `row_bytes` bytes a row into the columns of a wider one.
void place_columns(void* to, std::int64_t to_row_bytes, const DeviceBuffer& from,
                   std::int64_t row_bytes, std::int64_t rows) {
  check_cuda(cudaMemcpy2D(to, static_cast<std::size_t>(to_row_bytes), from.data(),
                          static_cast<std::size_t>(row_bytes), static_cast<std::size_t>(row_bytes),
                          static_cast<std::size_t>(rows), cudaMemcpyDeviceToDevice),
             "laying out weights");
}

}  // namespace

TrainingWeights draw_training_weights(const LayerShape& shape, std::uint64_t seed, int num_experts,
                                      const DeviceBuffer& quantiles) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t matrix = shape.d_model * shape.d_ff;
  const std::int64_t columns = in_columns(shape);
  TrainingWeights weights;
  weights.forward = draw_device_weights(shape, seed, num_experts, quantiles);
  weights.in_rows = DeviceBuffer(num_experts * columns * shape.d_model * element);
  weights.down_rows = DeviceBuffer(num_experts * matrix * element);
  weights.d_in = DeviceBuffer(num_experts * columns * shape.d_model * kFloatBytes);
  weights.d_down = DeviceBuffer(num_experts * matrix * kFloatBytes);
  for (auto* buffer : {&weights.in_rows, &weights.down_rows, &weights.d_in, &weights.d_down})
    buffer->poison();
  const DeviceBuffer drawn(matrix * element);
  const bool gated = shape.activation == Activation::kSwiglu;
  for (int expert = 0; expert < num_experts; ++expert) {
    auto* rows = weights.in_rows.as<std::byte>() + expert * columns * shape.d_model * element;
    if (gated) {
      launch_expert_matrix(shape, seed, expert, ExpertMatrix::kGate, false, quantiles,
                           drawn.data());
      place_columns(rows, columns * element, drawn, shape.d_ff * element, shape.d_model);
      rows += shape.d_ff * element;
    }
    launch_expert_matrix(shape, seed, expert, ExpertMatrix::kUp, false, quantiles, drawn.data());
    place_columns(rows, columns * element, drawn, shape.d_ff * element, shape.d_model);
    launch_expert_matrix(shape, seed, expert, ExpertMatrix::kDown, false, quantiles,
                         weights.down_rows.as<std::byte>() + expert * matrix * element);
  }
  check_launches("drawing expert weights");
  wait_for(nullptr, "drawing expert weights");
  return weights;
}

void TrainingBuffers::poison() {
  plan.poison();
  for (auto* buffer :
       {&kept, &d_y, &d_hidden, &d_kept, &d_x, &d_in, &d_weight, &order, &parts_before})
    buffer->poison();
  if (num_slots > 0) slots.poison();
}

WgradTable TrainingBuffers::table() const {
  return {order.as<const std::int32_t>(), parts_before.as<const std::int32_t>(),
          plan.first_row.as<const std::int32_t>(), plan.computed.as<const std::int32_t>(),
          plan.num_experts()};
}

TrainingBuffers make_training_buffers(const LayerShape& shape, std::uint64_t seed,
                                      const ExpertRows& rows, const CudaKernelChoice& choice,
                                      const DeviceBuffer& quantiles) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t columns = in_columns(shape);
  TrainingBuffers made;
  made.plan = make_plan_buffers(shape, seed, rows, choice, quantiles);
  made.split_rows = resolved_split_rows(rows, choice.split_rows);
  made.num_slots = wgrad_slots(rows, made.split_rows);
  const auto by_row = [&](std::int64_t width) {
    return DeviceBuffer(rows.buffer_rows() * width * element);
  };
  made.kept = by_row(columns);
  made.d_kept = by_row(columns);
  made.d_hidden = by_row(shape.d_ff);
  made.d_y = by_row(shape.d_model);
  made.d_x = by_row(shape.d_model);
  made.d_out = DeviceBuffer(rows.tokens * shape.d_model * element);
  made.d_in = DeviceBuffer(rows.tokens * shape.d_model * kFloatBytes);
  made.d_weight = DeviceBuffer(rows.tokens * rows.slots * kFloatBytes);
  made.ones = device_copy(std::vector<float>(rows.row_of_slot.size(), 1.0F));
  made.order = DeviceBuffer(made.plan.num_experts() * kRowNumberBytes);
  made.parts_before = DeviceBuffer((made.plan.num_experts() + 1) * kRowNumberBytes);
  if (made.num_slots > 0)
    made.slots =
        DeviceBuffer(made.num_slots * shape.d_model * std::max(columns, shape.d_ff) * kFloatBytes);
  made.poison();
  launch_normal_rows(
      normal_sequence(seed, RandomPurpose::kActivations, kOutputGradientStep, 1.0F, quantiles),
      rows.tokens, shape.d_model, shape.dtype, made.d_out.data(), nullptr);
  check_launches("drawing output gradients");
  wait_for(nullptr, "drawing output gradients");
  return made;
}

}  // namespace hotexpert
