#include "kernels/cuda/training_step.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/backward_elements.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/permute.hpp"
#include "kernels/cuda/route.hpp"
#include "kernels/cuda/wait.hpp"

namespace hotexpert {
namespace {

constexpr const char* kTraining = "running a training step";

}  // namespace

TrainingStep::TrainingStep(const LayerShape& shape, TrainingBuffers buffers,
                           const TrainingWeights& weights, LayerPass pass, StepBench& bench)
    : shape_(shape), buffers_(std::move(buffers)), pass_(pass), bench_(bench) {
  for (int i = 0; i < kMarks; ++i) marks_.push_back(make_event(true));
  const auto& choice = buffers_.plan.choice;
  products_ = choice.engine == CudaEngine::kCublas
                  ? make_cublas_training(shape_, buffers_, weights, bench_.stream.get())
                  : make_own_training(shape_, buffers_, weights);
  // A library loads its kernels at first use, which a capture does not allow.
  enqueue_forward(false);
  enqueue_backward(false);
  wait_for(bench_.stream.get(), kTraining);
  buffers_.poison();
  wait_for(nullptr, kTraining);
  if (pass_ == LayerPass::kBackward) {
    enqueue_forward(false);
    wait_for(bench_.stream.get(), kTraining);
  }
  if (choice.graph) graph_ = capture();
}

void TrainingStep::mark(Mark which, bool captured) {
  const auto& event = marks_[static_cast<std::size_t>(which)];
  // An external event becomes a node of the graph, so that its time can be read after a replay.
  check_cuda(cudaEventRecordWithFlags(event.get(), bench_.stream.get(),
                                      captured ? cudaEventRecordExternal : cudaEventRecordDefault),
             kTraining);
}

void TrainingStep::enqueue_forward(bool captured) {
  const DeviceStream stream = bench_.stream.get();
  auto& plan = buffers_.plan;
  const auto& rows = plan.rows;
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  auto* row_of_slot = plan.row_of_slot.as<std::int32_t>();
  mark(kBegin, captured);
  launch_count(plan.assignments(), plan.counts.as<std::int32_t>(), stream);
  launch_layout(plan.num_experts(), plan.chunks, plan.rules, plan.counts.as<std::int32_t>(),
                plan.layout(), plan.counters.as<unsigned long long>(), stream);
  launch_scatter(plan.assignments(), plan.counts.as<const std::int32_t>(), plan.layout(),
                 row_of_slot, stream);
  if (!captured && !plan.choice.sizes_on_device()) wait_for_sizes(plan, stream, kTraining);
  mark(kRouted, captured);
  launch_permute(plan.activations.data(), row_of_slot, rows.tokens, rows.slots, row_bytes,
                 plan.x.data(), stream);
  launch_zero_padding(plan.first_row.as<const std::int32_t>(), plan.kept.as<const std::int32_t>(),
                      plan.computed.as<const std::int32_t>(), plan.rules.padded_experts, row_bytes,
                      plan.x.data(), stream);
  mark(kPermuted, captured);
  products_->forward(stream);
  mark(kComputed, captured);
  launch_combine(plan.y.data(), shape_.dtype, row_of_slot, plan.weight_of_slot.as<const float>(),
                 rows.tokens, rows.slots, shape_.d_model, plan.out.as<float>(), stream);
  mark(kCombined, captured);
  check_launches(kTraining);
}

void TrainingStep::enqueue_backward(bool captured) {
  const DeviceStream stream = bench_.stream.get();
  auto& plan = buffers_.plan;
  const auto& rows = plan.rows;
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  const auto* row_of_slot = plan.row_of_slot.as<const std::int32_t>();
  mark(kTurned, captured);
  launch_scale_rows(buffers_.d_out.data(), shape_.dtype, row_of_slot,
                    plan.weight_of_slot.as<const float>(), rows.tokens, rows.slots, shape_.d_model,
                    buffers_.d_y.data(), stream);
  // Padding rows are sums' terms in wgrad: they must be zero.
  launch_zero_padding(plan.first_row.as<const std::int32_t>(), plan.kept.as<const std::int32_t>(),
                      plan.computed.as<const std::int32_t>(), plan.rules.padded_experts, row_bytes,
                      buffers_.d_y.data(), stream);
  launch_gate_gradients(plan.y.data(), buffers_.d_out.data(), shape_.dtype, row_of_slot,
                        rows.tokens, rows.slots, shape_.d_model, buffers_.d_weight.as<float>(),
                        stream);
  mark(kScattered, captured);
  products_->dgrad(stream);
  mark(kDgrad, captured);
  products_->wgrad(stream);
  mark(kWgrad, captured);
  launch_combine(buffers_.d_x.data(), shape_.dtype, row_of_slot, buffers_.ones.as<const float>(),
                 rows.tokens, rows.slots, shape_.d_model, buffers_.d_in.as<float>(), stream);
  mark(kEnd, captured);
  check_launches(kTraining);
}

void TrainingStep::enqueue(bool captured) {
  if (pass_ == LayerPass::kTraining) enqueue_forward(captured);
  enqueue_backward(captured);
}

OwnedGraph TrainingStep::capture() {
  return capture_graph(
      bench_.stream.get(), [this] { enqueue(true); }, "making a graph of a training step");
}

TrainingTimes TrainingStep::run() {
  const DeviceStream stream = bench_.stream.get();
  if (buffers_.plan.choice.cache == CacheState::kCold) {
    check_cuda(cudaMemsetAsync(bench_.l2_filler.data(), 1,
                               static_cast<std::size_t>(bench_.l2_filler.bytes()), stream),
               "filling L2");
  }
  launch_clock_stamp(bench_.stamps_before.as<ClockStamp>(), bench_.multiprocessors, stream);
  check_cuda(cudaEventRecord(begin_.get(), stream), kTraining);
  if (graph_.graph) {
    check_cuda(cudaGraphLaunch(graph_.graph.get(), stream), kTraining);
  } else {
    enqueue(false);
  }
  check_cuda(cudaEventRecord(end_.get(), stream), kTraining);
  launch_clock_stamp(bench_.stamps_after.as<ClockStamp>(), bench_.multiprocessors, stream);
  wait_for(stream, kTraining);

  const auto phase = [&](Mark from, Mark to) {
    return seconds_between(marks_[static_cast<std::size_t>(from)],
                           marks_[static_cast<std::size_t>(to)]);
  };
  TrainingTimes times;
  if (pass_ == LayerPass::kTraining)
    times.forward = {phase(kBegin, kRouted), phase(kRouted, kPermuted), phase(kPermuted, kComputed),
                     phase(kComputed, kCombined)};
  times.permute_s = phase(kTurned, kScattered);
  times.dgrad_s = phase(kScattered, kDgrad);
  times.wgrad_s = phase(kDgrad, kWgrad);
  times.combine_s = phase(kWgrad, kEnd);
  times.total_s = seconds_between(begin_, end_);
  times.clock_hz =
      clock_between(host_copy<ClockStamp>(bench_.stamps_before, bench_.multiprocessors),
                    host_copy<ClockStamp>(bench_.stamps_after, bench_.multiprocessors));
  return times;
}

}  // namespace hotexpert
