#include "kernels/cuda/layer_buffers.hpp"

#include <cuda_runtime_api.h>

#include <cmath>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/normal_fill.hpp"
#include "kernels/cuda/plan/layer_memory.hpp"
#include "kernels/cuda/wait.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/random.hpp"

namespace hotexpert {
namespace {

constexpr std::int64_t kIndexBytes = 4;

/// Expert of each (token, slot), from where its row lies.
std::vector<std::int32_t> experts_of_slots(const ExpertRows& rows) {
  std::vector<std::int32_t> expert_of_row(static_cast<std::size_t>(rows.buffer_rows()), -1);
  for (std::size_t e = 0; e < rows.experts.size(); ++e) {
    const auto& segment = rows.experts[e];
    for (std::int64_t i = 0; i < segment.used; ++i)
      expert_of_row[static_cast<std::size_t>(segment.first + i)] = static_cast<std::int32_t>(e);
  }
  std::vector<std::int32_t> experts;
  experts.reserve(rows.row_of_slot.size());
  for (const auto row : rows.row_of_slot)
    experts.push_back(row < 0 ? -1 : expert_of_row[static_cast<std::size_t>(row)]);
  return experts;
}

}  // namespace

std::int64_t in_columns(const LayerShape& shape) {
  return (matrices_per_expert(shape.activation) - 1) * shape.d_ff;
}

NormalSequence normal_sequence(std::uint64_t seed, RandomPurpose purpose, std::uint32_t step,
                               float scale, const DeviceBuffer& quantiles) {
  const auto key = philox_key(seed, purpose);
  return {{key[0], key[1]}, step, 0, scale, quantiles.as<const float>()};
}

void launch_expert_matrix(const LayerShape& shape, std::uint64_t seed, int expert,
                          ExpertMatrix matrix, bool transposed, const DeviceBuffer& quantiles,
                          void* to) {
  const bool down = matrix == ExpertMatrix::kDown;
  const std::int64_t rows = down ? shape.d_ff : shape.d_model;
  const std::int64_t columns = down ? shape.d_model : shape.d_ff;
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(rows)));
  launch_normal_matrix(normal_sequence(seed, RandomPurpose::kWeights,
                                       static_cast<std::uint32_t>(matrix), scale, quantiles),
                       static_cast<std::uint32_t>(expert), rows, columns, transposed, shape.dtype,
                       to, nullptr);
}

DeviceWeights draw_device_weights(const LayerShape& shape, std::uint64_t seed, int num_experts,
                                  const DeviceBuffer& quantiles) {
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t matrix_bytes = shape.d_model * shape.d_ff * element;
  const std::int64_t in_bytes = in_columns(shape) * shape.d_model * element;
  DeviceWeights weights{DeviceBuffer(num_experts * in_bytes),
                        DeviceBuffer(num_experts * matrix_bytes)};
  weights.in.poison();
  weights.down.poison();
  const auto draw = [&](ExpertMatrix matrix, int expert, std::byte* to) {
    launch_expert_matrix(shape, seed, expert, matrix, true, quantiles, to);
  };
  for (int expert = 0; expert < num_experts; ++expert) {
    std::byte* in = weights.in.as<std::byte>() + expert * in_bytes;
    if (shape.activation == Activation::kSwiglu) {
      draw(ExpertMatrix::kGate, expert, in);
      in += matrix_bytes;
    }
    draw(ExpertMatrix::kUp, expert, in);
    draw(ExpertMatrix::kDown, expert, weights.down.as<std::byte>() + expert * matrix_bytes);
  }
  check_launches("drawing expert weights");
  wait_for(nullptr, "drawing expert weights");
  return weights;
}

ExpertLayout PlanBuffers::layout() const {
  return {first_row.as<std::int32_t>(), kept.as<std::int32_t>(), computed.as<std::int32_t>(),
          order.as<std::int32_t>(), tiles_before.as<std::int32_t>()};
}

TileTable PlanBuffers::table() const {
  return {order.as<const std::int32_t>(), tiles_before.as<const std::int32_t>(),
          first_row.as<const std::int32_t>(), computed.as<const std::int32_t>(), num_experts()};
}

Assignments PlanBuffers::assignments() const {
  return {expert_of_slot.as<const std::int32_t>(), rows.tokens * rows.slots, num_experts(), chunk};
}

RouterTopK PlanBuffers::router_top_k() const {
  RouterTopK top;
  top.logits = logits.as<const float>();
  top.num_experts = router.num_experts;
  top.top_k = router.top_k;
  top.expert = chosen.as<std::int32_t>();
  top.weight = chosen_weight.as<float>();
  top.invalid_token = invalid_token.as<std::int32_t>();
  return top;
}

void PlanBuffers::poison() {
  for (auto* buffer : {&chosen, &chosen_weight, &invalid_token, &row_of_slot, &first_row, &kept,
                       &computed, &order, &tiles_before, &x, &hidden, &y, &out})
    buffer->poison();
  if (!choice.fused_activation()) stored.poison();
}

void wait_for_sizes(const PlanBuffers& plan, DeviceStream stream, std::string_view what) {
  const auto experts = plan.rows.experts.size();
  const auto* sizes = plan.kept_on_host.as<const std::int32_t>();
  check_cuda(cudaMemcpyAsync(plan.kept_on_host.as<void>(), plan.kept.data(),
                             experts * sizeof(std::int32_t), cudaMemcpyDeviceToHost, stream),
             what);
  wait_for(stream, what);
  for (std::size_t e = 0; e < experts; ++e) {
    if (sizes[e] != plan.rows.experts[e].used)
      throw DeviceError("the device laid out other rows than the plan has");
  }
}

PlanBuffers make_plan_buffers(const LayerShape& shape, std::uint64_t seed, const ExpertRows& rows,
                              const CudaKernelChoice& choice, const DeviceBuffer& quantiles) {
  PlanBuffers plan;
  plan.rows = rows;
  plan.choice = choice;
  const std::int64_t assignments = rows.tokens * rows.slots;
  const std::int64_t element = bytes_per_element(shape.dtype);
  const std::int64_t experts = plan.num_experts();
  plan.chunk = assignments_per_chunk(assignments);
  plan.chunks = chunk_count(assignments);
  plan.rules.tile_rows = choice.scheduled_rows();
  plan.rules.hot_first = choice.order == TileOrder::kHotFirst;
  if (choice.strategy == CudaStrategy::kPadded) {
    plan.rules.padded_experts = static_cast<int>(experts) - shape.num_shared_experts;
    if (plan.rules.padded_experts > 0)
      plan.rules.padded_rows = static_cast<std::int32_t>(rows.experts.front().computed);
  }

  plan.router = router_size(rows, shape.num_shared_experts);
  const std::int64_t choices = rows.tokens * plan.router.top_k;
  plan.logits = device_copy(router_logits(kept_choices(rows, plan.router), plan.router, seed));
  plan.chosen = DeviceBuffer(choices * kIndexBytes);
  plan.chosen_weight = DeviceBuffer(choices * kIndexBytes);
  plan.invalid_token = DeviceBuffer(rows.tokens * kIndexBytes);
  plan.expert_of_slot = device_copy(experts_of_slots(rows));
  plan.weight_of_slot = device_copy(rows.weight_of_slot);
  plan.row_of_slot = DeviceBuffer(assignments * kIndexBytes);
  plan.counts = DeviceBuffer(plan.chunks * experts * kIndexBytes);
  for (auto* array : {&plan.first_row, &plan.kept, &plan.computed, &plan.order, &plan.tiles_before})
    *array = DeviceBuffer((experts + 1) * kIndexBytes);
  plan.kept_on_host = PinnedBuffer(experts * kIndexBytes);
  plan.counters = DeviceBuffer(2 * static_cast<std::int64_t>(sizeof(unsigned long long)));
  plan.activations = DeviceBuffer(rows.tokens * shape.d_model * element);
  plan.x = DeviceBuffer(rows.buffer_rows() * shape.d_model * element);
  if (!choice.fused_activation())
    plan.stored = DeviceBuffer(rows.buffer_rows() * in_columns(shape) * element);
  plan.hidden = DeviceBuffer(rows.buffer_rows() * shape.d_ff * element);
  plan.y = DeviceBuffer(rows.buffer_rows() * shape.d_model * element);
  plan.out = DeviceBuffer(rows.tokens * shape.d_model * static_cast<std::int64_t>(sizeof(float)));
  plan.poison();
  plan.counts.zero();  // without assignments no block writes them
  launch_normal_rows(normal_sequence(seed, RandomPurpose::kActivations, 0, 1.0F, quantiles),
                     rows.tokens, shape.d_model, shape.dtype, plan.activations.data(), nullptr);
  check_launches("drawing activations");
  wait_for(nullptr, "drawing activations");
  return plan;
}

}  // namespace hotexpert
