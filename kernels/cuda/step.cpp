#include "kernels/cuda/step.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/permute.hpp"
#include "kernels/cuda/plan/step_tiles.hpp"
#include "kernels/cuda/route.hpp"
#include "kernels/cuda/router_top_k.hpp"
#include "kernels/cuda/wait.hpp"

namespace hotexpert {
namespace {

constexpr const char* kWhat = "running a layer";
constexpr std::int64_t kClockStamps = 2;  // kernels, before and after a step

}  // namespace

StepBench make_step_bench(const CudaDevice& device) {
  StepBench bench;
  bench.multiprocessors = device.multiprocessors;
  const auto stamp_bytes =
      std::int64_t{device.multiprocessors} * static_cast<std::int64_t>(sizeof(ClockStamp));
  bench.stamps_before = DeviceBuffer(stamp_bytes);
  bench.stamps_after = DeviceBuffer(stamp_bytes);
  bench.stamps_before.zero();
  bench.stamps_after.zero();
  bench.l2_filler = DeviceBuffer(2 * device.l2_bytes);
  return bench;
}

DeviceStep::DeviceStep(const LayerShape& shape, PlanBuffers plan,
                       const std::vector<DeviceWeights>& weights, StepBench& bench)
    : shape_(shape), plan_(std::move(plan)), bench_(bench) {
  for (int phase = 0; phase < kPhases; ++phase) marks_.push_back(make_event(true));
  for (const auto& set : weights) products_.push_back(make_products(set));
  if (!plan_.choice.own_tiles()) warm_library();
  if (plan_.choice.graph) graph_ = capture({});
  count_launches();
}

std::unique_ptr<ExpertProducts> DeviceStep::make_products(const DeviceWeights& weights) {
  switch (plan_.choice.engine) {
    case CudaEngine::kCublas:
      return make_cublas_products(shape_, plan_, weights, bench_.stream.get());
    case CudaEngine::kPlugin:
      return make_plugin_products(shape_, plan_, weights);
    case CudaEngine::kSm90:
    case CudaEngine::kMma:
    case CudaEngine::kPlain:
      break;
  }
  return make_own_products(shape_, plan_, weights);
}

/// A library, or a plugin, loads its kernels at first use, which a capture does not allow.
void DeviceStep::warm_library() {
  enqueue_step(false, {});
  wait_for(bench_.stream.get(), "warming the kernels");
  plan_.poison();
  wait_for(nullptr, "warming the kernels");
}

void DeviceStep::mark(Phase phase, bool captured) {
  const auto& event = marks_[static_cast<std::size_t>(phase)];
  // An external event becomes a node of the graph, so that its time can be read after a replay.
  check_cuda(cudaEventRecordWithFlags(event.get(), bench_.stream.get(),
                                      captured ? cudaEventRecordExternal : cudaEventRecordDefault),
             kWhat);
  if (observer_) tell(phase);
}

/// Phases are the ends of stages: stage i lies between phase i and phase i + 1.
void DeviceStep::tell(Phase reached) const {
  if (idle_between_) wait_for(bench_.stream.get(), kWhat);
  if (reached > kBegin) observer_(static_cast<StepStage>(reached - 1), false);
  if (reached < kCombined) observer_(static_cast<StepStage>(reached), true);
}

void DeviceStep::enqueue_layer(std::size_t set, bool captured, const TraceBuffers& trace) {
  const DeviceStream stream = bench_.stream.get();
  const auto& rows = plan_.rows;
  const std::int64_t row_bytes = shape_.d_model * bytes_per_element(shape_.dtype);
  auto* row_of_slot = plan_.row_of_slot.as<std::int32_t>();
  mark(kBegin, captured);
  if (plan_.router.top_k > 0) launch_router_top_k(plan_.router_top_k(), rows.tokens, stream);
  mark(kChosen, captured);
  launch_count(plan_.assignments(), plan_.counts.as<std::int32_t>(), stream);
  launch_layout(plan_.num_experts(), plan_.chunks, plan_.rules, plan_.counts.as<std::int32_t>(),
                plan_.layout(), plan_.counters.as<unsigned long long>(), stream);
  launch_scatter(plan_.assignments(), plan_.counts.as<const std::int32_t>(), plan_.layout(),
                 row_of_slot, stream);
  if (!captured && !plan_.choice.sizes_on_device()) wait_for_sizes(plan_, stream, kWhat);
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
  // It is the one that is traced, too.
  for (std::size_t set = products_.size(); set > 0; --set)
    enqueue_layer(set - 1, captured, set == 1 ? trace : TraceBuffers{});
}

OwnedGraph DeviceStep::capture(const TraceBuffers& trace) {
  return capture_graph(
      bench_.stream.get(), [&] { enqueue_step(true, trace); }, "making a graph of a step");
}

/// Counts the kernels of a step that is not launched as a graph by capturing it once, unless it
/// waits for the device in between or belongs to a plugin.
void DeviceStep::count_launches() {
  const bool countable =
      plan_.choice.engine != CudaEngine::kPlugin && plan_.choice.strategy != CudaStrategy::kLibrary;
  if (graph_.graph == nullptr && !countable) return;
  launches_ = kClockStamps + (graph_.graph ? graph_.kernels : capture({}).kernels);
}

template <class Enqueue>
StepTimes DeviceStep::timed(std::size_t layers, const Enqueue& enqueue) {
  const DeviceStream stream = bench_.stream.get();
  if (plan_.choice.cache == CacheState::kCold) {
    check_cuda(cudaMemsetAsync(bench_.l2_filler.data(), 1,
                               static_cast<std::size_t>(bench_.l2_filler.bytes()), stream),
               "filling L2");
  }
  launch_clock_stamp(bench_.stamps_before.as<ClockStamp>(), bench_.multiprocessors, stream);
  check_cuda(cudaEventRecord(begin_.get(), stream), kWhat);
  enqueue();
  check_cuda(cudaEventRecord(end_.get(), stream), kWhat);
  launch_clock_stamp(bench_.stamps_after.as<ClockStamp>(), bench_.multiprocessors, stream);
  wait_for(stream, kWhat);

  StepTimes times;
  const auto phase = [&](Phase from, Phase to) {
    return seconds_between(marks_[static_cast<std::size_t>(from)],
                           marks_[static_cast<std::size_t>(to)]);
  };
  times.router_s = phase(kBegin, kChosen);
  times.route_s = phase(kBegin, kRouted);
  times.permute_s = phase(kRouted, kPermuted);
  times.expert_ffn_s = phase(kPermuted, kComputed);
  times.combine_s = phase(kComputed, kCombined);
  times.total_s = seconds_between(begin_, end_) / static_cast<double>(layers);
  times.clock_hz =
      clock_between(host_copy<ClockStamp>(bench_.stamps_before, bench_.multiprocessors),
                    host_copy<ClockStamp>(bench_.stamps_after, bench_.multiprocessors));
  return times;
}

StepTimes DeviceStep::replay(const OwnedGraph& graph, const TraceBuffers& trace) {
  return timed(products_.size(), [&] {
    if (graph.graph) {
      check_cuda(cudaGraphLaunch(graph.graph.get(), bench_.stream.get()), kWhat);
    } else {
      enqueue_step(false, trace);
    }
  });
}

StepTimes DeviceStep::run() { return replay(graph_, {}); }

StepTimes DeviceStep::run_staged(const StepObserver& observer, bool idle_between) {
  observer_ = observer;
  idle_between_ = idle_between;
  try {
    const StepTimes times = timed(1, [&] { enqueue_layer(0, false, {}); });
    observer_ = nullptr;
    return times;
  } catch (...) {
    observer_ = nullptr;
    throw;
  }
}

TracedStep DeviceStep::trace() {
  TracedStep step;
  const auto& choice = plan_.choice;
  if (!records_tiles(choice)) {
    step.times = run();
    step.untraced =
        "This kernel records no tiles; grouped-sm90 and padded:gemm=own do, on Hopper and bf16.";
    return step;
  }
  const auto tiles = count_tiles(shape_, choice, plan_.rows);
  if (up_tiles_.data() == nullptr) {
    constexpr auto kRecord = static_cast<std::int64_t>(sizeof(TileRecord));
    up_tiles_ = DeviceBuffer(tiles.up * kRecord);
    down_tiles_ = DeviceBuffer(tiles.down * kRecord);
  }
  const TraceBuffers buffers{up_tiles_.as<TileRecord>(), down_tiles_.as<TileRecord>()};
  if (choice.graph && traced_graph_.graph == nullptr) traced_graph_ = capture(buffers);
  // A tile that nobody writes, and a multiprocessor that nobody stamps, must show.
  for (auto* buffer : {&up_tiles_, &down_tiles_}) buffer->poison();
  for (auto* stamps : {&bench_.stamps_before, &bench_.stamps_after}) stamps->zero();
  wait_for(nullptr, "clearing the tile records");
  step.times = replay(traced_graph_, buffers);
  step.up = host_copy<TileRecord>(up_tiles_, tiles.up);
  step.down = host_copy<TileRecord>(down_tiles_, tiles.down);
  const auto before = host_copy<ClockStamp>(bench_.stamps_before, bench_.multiprocessors);
  const auto after = host_copy<ClockStamp>(bench_.stamps_after, bench_.multiprocessors);
  if (!anchor_tiles(before, after, step.up) || !anchor_tiles(before, after, step.down)) {
    step.untraced = "The clock of a multiprocessor was not read beside its tiles.";
    step.up.clear();
    step.down.clear();
  }
  return step;
}

}  // namespace hotexpert
