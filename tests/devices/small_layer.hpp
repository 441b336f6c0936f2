#pragma once

#include <algorithm>
#include <cctype>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/cuda/runtime.hpp"
#include "profiler/cuda_layer_backend.hpp"
#include "sim/base/errors.hpp"
#include "tests/devices/fake_cuda.hpp"
#include "tests/kernels/support/plans.hpp"

namespace hotexpert::test {

/// A layer whose whole life is short: what runs, and in which numbers.
struct SmallLayer {
  std::string kernel;
  DataType dtype = DataType::kFp32;
  LayerPass pass = LayerPass::kForward;
};

/// What a layer left behind after its life.
struct LayerLife {
  double worst_error = 0;  ///< over both plans, against fp64
  std::vector<float> out;  ///< of the skewed plan
  double total_s = 0;
  double clock_hz = 0;
  std::string untraced;
};

inline LayerShape small_shape(const SmallLayer& layer) {
  LayerShape shape;
  shape.num_experts = 4;
  shape.top_k = 2;
  shape.d_model = 32;
  shape.d_ff = 32;
  shape.num_shared_experts = 1;
  shape.dtype = layer.dtype;
  return shape;
}

/// A hot expert and one without rows.
inline DispatchPlan skewed_plan() {
  return plan_of(route(12, 2, 4, [](auto t, int s) { return s == 0 ? 0 : int(1 + t % 2); }));
}
inline DispatchPlan even_plan() {
  return plan_of(route(12, 2, 4, [](auto t, int s) { return int((2 * t + s) % 4); }));
}

/// Create, load, capture, replay, time, read back, check, trace, forget, destroy: all that a sweep
/// and a profile do with a layer.   @throws DeviceError, NotEnoughMemory
inline LayerLife live(const SmallLayer& what) {
  const auto backend = make_cuda_layer_backend(make_device_runtime(), 1, what.pass);
  if (const auto reason = backend->info().unavailable; !reason.empty()) throw DeviceError(reason);
  const auto shape = small_shape(what);
  if (const auto reason = backend->unsupported(shape, what.kernel)) throw UsageError(*reason);
  const auto layer = backend->prepare(shape, what.kernel, 4, 5);
  LayerLife life;
  for (const auto& plan : {even_plan(), skewed_plan()}) {
    const int handle = layer->load(plan);
    layer->run(handle);  // checked at once, as a sweep does
    int bad_expert = -1;
    life.worst_error = std::max(life.worst_error, layer->verify(handle, bad_expert));
    life.out = layer->read_output(handle);
    life.total_s = layer->run(handle).total_s;
  }
  (void)backend->start_capture();
  life.untraced = layer->run_traced(1).untraced;
  NoStageObserver nobody;
  layer->run_staged(0, nobody);
  backend->stop_capture();
  const auto clocks = layer->device_measurements();
  if (!clocks.empty()) life.clock_hz = clocks.front().value;
  layer->unload();
  return life;
}

/// The kernels whose host code differs, with every pass and type they have.
inline std::vector<SmallLayer> small_layers() {
  using enum LayerPass;
  constexpr auto kFp32 = DataType::kFp32;
  constexpr auto kBf16 = DataType::kBf16;
  return {{"grouped-plain", kFp32, kForward},
          {"grouped-sm90", kBf16, kForward},
          {"grouped-sm90:order=dynamic:launch=eager", kBf16, kForward},
          {"grouped-sm90:cluster=2:order=hot-first", kBf16, kForward},
          {"grouped-sm90:store=bulk:cache=cold", kBf16, kForward},
          {"grouped-mma:cache=steady:layers=2", kBf16, kForward},
          {"grouped-cublas", kBf16, kForward},
          {"padded", kFp32, kForward},
          {"padded:gemm=own", kBf16, kForward},
          {"loop:launch=eager", kFp32, kForward},
          {"loop:gemm=own", kBf16, kForward},
          {"streams:streams=3", kFp32, kForward},
          {"streams:gemm=own:launch=eager", kBf16, kForward},
          {"grouped-sm90:wgrad=split:split_rows=16", kBf16, kTraining},
          {"grouped-sm90:order=dynamic", kBf16, kBackward},
          {"grouped-plain", kFp32, kTraining},
          {"grouped-cublas", kFp32, kTraining},
          {"padded", kFp32, kBackward},
          {"streams:streams=3", kFp32, kTraining},
          {"loop:gemm=own:launch=eager", kBf16, kTraining}};
}

inline std::string name_of(const SmallLayer& layer) {
  std::string text =
      layer.kernel + "_" + std::string(name(layer.dtype)) + "_" + std::string(name(layer.pass));
  for (char& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return text;
}

/// Experts of a few rows of few values: bf16 rounding averages out less than in layers of real
/// size.
inline double tolerance(const SmallLayer& layer) {
  return layer.dtype == DataType::kFp32 ? 5e-6 : 1e-2;
}

inline void PrintTo(const SmallLayer& layer, std::ostream* out) { *out << name_of(layer); }
}  // namespace hotexpert::test
