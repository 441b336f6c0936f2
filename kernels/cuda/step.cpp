#include "kernels/cuda/step.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/permute.hpp"
#include "kernels/cuda/route.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr const char* kWhat = "running a layer";

double seconds_between(const OwnedEvent& from, const OwnedEvent& to) {
  float milliseconds = 0;
  check_cuda(cudaEventElapsedTime(&milliseconds, from.get(), to.get()), "reading a time");
  return 1e-3 * static_cast<double>(milliseconds);
}

}  // namespace

DeviceStep::DeviceStep(const LayerShape& shape, PlanBuffers plan,
                       const std::vector<DeviceWeights>& weights, StepBench& bench)
    : shape_(shape), plan_(std::move(plan)), bench_(bench) {
  for (int phase = 0; phase < kPhases; ++phase) marks_.push_back(make_event(true));
  for (const auto& set : weights) {
    products_.push_back(plan_.choice.engine == CudaEngine::kCublas
                            ? make_cublas_products(shape_, plan_, set, bench_.stream.get())
                            : make_own_products(shape_, plan_, set));
  }
  sizes_.resize(plan_.rows.experts.size());
  if (plan_.choice.graph) {
    if (plan_.choice.engine == CudaEngine::kCublas) warm_library();
    capture();
  }
}

/// The library loads its kernels at first use, which a capture does not allow.
void DeviceStep::warm_library() {
  enqueue_step(false, {});
  check_cuda(cudaStreamSynchronize(bench_.stream.get()), "warming cuBLAS");
  plan_.poison();
  check_cuda(cudaDeviceSynchronize(), "warming cuBLAS");
}

DeviceStep::~DeviceStep() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
}

void DeviceStep::mark(Phase phase, bool captured) {
  const auto& event = marks_[static_cast<std::size_t>(phase)];
  // An external event becomes a node of the graph, so that its time can be read after a replay.
  check_cuda(cudaEventRecordWithFlags(event.get(), bench_.stream.get(),
                                      captured ? cudaEventRecordExternal : cudaEventRecordDefault),
             kWhat);
}

/// What every framework does whose products take sizes from the host: copy them back and wait.
void DeviceStep::wait_for_sizes() {
  const DeviceStream stream = bench_.stream.get();
  check_cuda(cudaMemcpyAsync(sizes_.data(), plan_.kept.data(), sizes_.size() * sizeof(std::int32_t),
                             cudaMemcpyDeviceToHost, stream),
             kWhat);
  check_cuda(cudaStreamSynchronize(stream), kWhat);
  for (std::size_t e = 0; e < sizes_.size(); ++e) {
    if (sizes_[e] != plan_.rows.experts[e].used)
      throw DeviceError("the device laid out other rows than the plan has");
  }
}

void DeviceStep::enqueue_layer(std::size_t set, bool captured, const TraceBuffers& trace) {
  const DeviceStream stream = bench_.stream.get();
  const auto& rows = plan_.rows;
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  auto* row_of_slot = plan_.row_of_slot.as<std::int32_t>();
  mark(kBegin, captured);
  launch_count(plan_.assignments(), plan_.counts.as<std::int32_t>(), stream);
  launch_layout(plan_.num_experts(), plan_.chunks, plan_.rules, plan_.counts.as<std::int32_t>(),
                plan_.layout(), plan_.counters.as<unsigned long long>(), stream);
  launch_scatter(plan_.assignments(), plan_.counts.as<const std::int32_t>(), plan_.layout(),
                 row_of_slot, stream);
  if (!captured && !plan_.choice.sizes_on_device()) wait_for_sizes();
  mark(kRouted, captured);
  launch_permute(plan_.activations.data(), row_of_slot, rows.tokens, rows.slots, row_bytes,
                 plan_.x.data(), stream);
  launch_zero_padding(plan_.first_row.as<const std::int32_t>(), plan_.kept.as<const std::int32_t>(),
                      plan_.computed.as<const std::int32_t>(), plan_.rules.padded_experts,
                      row_bytes, plan_.x.data(), stream);
  mark(kPermuted, captured);
  products_[set]->enqueue(stream, trace);
  mark(kComputed, captured);
  launch_combine(plan_.y.data(), shape_.dtype, row_of_slot, plan_.weight_of_slot.as<const float>(),
                 rows.tokens, rows.slots, shape_.d_model, plan_.out.as<float>(), stream);
  mark(kCombined, captured);
  check_launches(kWhat);
}

void DeviceStep::enqueue_step(bool captured, const TraceBuffers& trace) {
  // The set that the checks know runs last, so its output is what read_output() returns.
  for (std::size_t set = products_.size(); set > 0; --set) enqueue_layer(set - 1, captured, trace);
}

void DeviceStep::capture() {
  const DeviceStream stream = bench_.stream.get();
  check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), kWhat);
  cudaGraph_t graph = nullptr;
  try {
    enqueue_step(true, {});
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    throw;
  }
  check_cuda(cudaStreamEndCapture(stream, &graph), "capturing a step");
  const cudaError_t status = cudaGraphInstantiate(&graph_, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(status, "making a graph of a step");
}

StepTimes DeviceStep::run() {
  const DeviceStream stream = bench_.stream.get();
  if (plan_.choice.cache == CacheState::kCold) {
    check_cuda(cudaMemsetAsync(bench_.l2_filler.data(), 1,
                               static_cast<std::size_t>(bench_.l2_filler.bytes()), stream),
               "filling L2");
  }
  launch_clock_stamp(bench_.stamps_before.as<ClockStamp>(), bench_.multiprocessors, stream);
  check_cuda(cudaEventRecord(begin_.get(), stream), kWhat);
  if (graph_ != nullptr) {
    check_cuda(cudaGraphLaunch(graph_, stream), kWhat);
  } else {
    enqueue_step(false, {});
  }
  check_cuda(cudaEventRecord(end_.get(), stream), kWhat);
  launch_clock_stamp(bench_.stamps_after.as<ClockStamp>(), bench_.multiprocessors, stream);
  check_cuda(cudaStreamSynchronize(stream), kWhat);

  StepTimes times;
  const auto phase = [&](Phase from, Phase to) {
    return seconds_between(marks_[static_cast<std::size_t>(from)],
                           marks_[static_cast<std::size_t>(to)]);
  };
  times.route_s = phase(kBegin, kRouted);
  times.permute_s = phase(kRouted, kPermuted);
  times.expert_ffn_s = phase(kPermuted, kComputed);
  times.combine_s = phase(kComputed, kCombined);
  times.total_s = seconds_between(begin_, end_) / static_cast<double>(products_.size());
  times.clock_hz =
      clock_between(host_copy<ClockStamp>(bench_.stamps_before, bench_.multiprocessors),
                    host_copy<ClockStamp>(bench_.stamps_after, bench_.multiprocessors));
  return times;
}

std::vector<std::vector<TileRecord>> DeviceStep::trace() {
  const auto& choice = plan_.choice;
  const bool traced =
      choice.engine == CudaEngine::kSm90 &&
      (choice.strategy == CudaStrategy::kGrouped || choice.strategy == CudaStrategy::kPadded);
  if (!traced) return {};
  std::int64_t tiles = 0;
  for (const auto& expert : plan_.rows.experts)
    tiles += row_tiles(static_cast<std::int32_t>(expert.computed), choice.tile_rows);
  const std::int64_t ups =
      tiles * column_tiles(choice, shape_.d_ff, shape_.activation == Activation::kSwiglu);
  const std::int64_t downs = tiles * column_tiles(choice, shape_.d_model, false);
  constexpr auto kRecord = static_cast<std::int64_t>(sizeof(TileRecord));
  const DeviceBuffer up(ups * kRecord);
  const DeviceBuffer down(downs * kRecord);
  enqueue_layer(0, false, {up.as<TileRecord>(), down.as<TileRecord>()});
  check_cuda(cudaStreamSynchronize(bench_.stream.get()), "tracing a layer");
  return {host_copy<TileRecord>(up, ups), host_copy<TileRecord>(down, downs)};
}

}  // namespace hotexpert
