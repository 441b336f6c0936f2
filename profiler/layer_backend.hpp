#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/stage_observer.hpp"
#include "profiler/tile_timeline.hpp"
#include "sim/core/dispatch_plan.hpp"
#include "sim/core/layer_pass.hpp"
#include "sim/core/layer_shape.hpp"
#include "sim/core/phase_times.hpp"
#include "sim/core/point_result.hpp"
#include "sim/model/device_description.hpp"

namespace hotexpert {

/// What a backend is and whether it can run here.
struct BackendInfo {
  std::string name;                               ///< "cpu", "cuda", "model"
  std::string device;                             ///< e.g. the processor's name and thread count
  Provenance provenance = Provenance::kMeasured;  ///< of the times it returns
  std::string unavailable;  ///< empty when it can run; else one sentence why not and what to do
  /// Modelled times: median |predicted / measured - 1| on data the model was not fitted to; nullopt
  /// where the model was never compared, and for measured times.
  std::optional<double> held_out_error = {};
};

/// What a backend is made for.
struct BackendOptions {
  int threads = 0;                               ///< CPU threads; 0 = all
  std::optional<DeviceDescription> device = {};  ///< `model`: what it prices
  LayerPass pass = LayerPass::kForward;          ///< which pass of the layer its layers run
};

/// A pass with the tiles of its expert phase.
struct TracedPass {
  PhaseTimes times;
  TileTimeline timeline;  ///< on the clock that `times` were taken with
  std::string untraced;   ///< why there are no tiles, in one sentence; empty when there are
  std::optional<double> clock_hz = {};  ///< of the processor or multiprocessors during the pass
  /// Processor time this process had in the expert phase, all threads together; nullopt where tiles
  /// are computed elsewhere.
  std::optional<double> processor_s = {};
  std::vector<PhaseSpan> phases = {};  ///< where they were recorded, in order
};

/// A layer whose weights are in place, ready to run plans of its shape with one kernel.
class PreparedLayer {
 public:
  virtual ~PreparedLayer() = default;

  /// Sizes the buffers for `plan` and makes its token activations (drawn from the seed; equal
  /// tokens, equal values), so that run() allocates nothing.
  /// @return a handle for run(): several plans (a skewed one and its control) are ready at the same
  ///         time
  /// @throws NotEnoughMemory with the bytes needed
  virtual int load(const DispatchPlan& plan) = 0;

  /// Forgets every loaded plan; the weights stay.
  virtual void unload() = 0;

  /// One pass of the layer over the loaded plan.
  virtual PhaseTimes run(int handle) = 0;

  /// run() that also records when and where each tile of the experts was computed. A backend that
  /// cannot runs all the same and says why.
  virtual TracedPass run_traced(int handle) {
    return {run(handle), {}, "This backend records no tiles."};
  }

  /// run() with its stages told, each inside its NVTX range: for profilers that attribute what is
  /// launched to ranges, which a replayed graph does not show. Not timed like run().
  virtual PhaseTimes run_staged(int handle, StageObserver& /*observer*/) { return run(handle); }

  /// The layer's output [tokens, d_model] of the last run() of this handle, as fp32.
  virtual std::vector<float> read_output(int handle) = 0;

  /// Largest per-expert relative error ||out - ref|| / ||ref|| of the last run() against fp64, over
  /// the rows that the rule of README.md selects (all rows up to 0.2 GFLOP; beyond, first, last,
  /// tile-edge and four random ones). Not called where times are modelled: nothing was computed.
  /// @return the error; `bad_expert` names the physical expert that has it. NaN anywhere gives
  /// infinity.
  virtual double verify(int handle, int& bad_expert) = 0;

  /// Device kernels that one pass launches; 0 where kernels are functions on the host, negative
  /// where a library launches its own and does not say how many.
  [[nodiscard]] virtual std::int64_t launches(int /*handle*/) const { return 0; }

  /// Rows the kernel computes for this plan, padding included.
  [[nodiscard]] virtual std::int64_t computed_rows(int handle) const = 0;

  /// What the device tells of itself over all runs since unload(): its clock, throttled samples.
  [[nodiscard]] virtual std::vector<Measurement> device_measurements() const { return {}; }
};

/// Something that can run (or model) the layer.
class LayerBackend {
 public:
  virtual ~LayerBackend() = default;
  [[nodiscard]] virtual BackendInfo info() const = 0;
  /// nullopt = yes; else the reason why this kernel cannot run this shape here.
  /// @param kernel a kernel's name with parameters inline
  [[nodiscard]] virtual std::optional<std::string> unsupported(const LayerShape& shape,
                                                               std::string_view kernel) const = 0;
  /// Makes the weights (random normal, from the seed; one set for all kernels of a backend) and the
  /// kernel's packed form.   @throws NotEnoughMemory with the bytes needed
  virtual std::unique_ptr<PreparedLayer> prepare(const LayerShape& shape, std::string_view kernel,
                                                 int num_physical, std::uint64_t seed) = 0;

  /// Marks what follows, up to stop_capture(), for a profiler that watches from outside
  /// (cudaProfilerStart).   @return why nothing was marked, in one sentence; "" when it was
  virtual std::string start_capture() {
    return "Backend '" + info().name +
           "' has no cudaProfilerStart to call: a profiler that waits "
           "for it records nothing.";
  }
  virtual void stop_capture() {}

  /// Why nothing more can run here in this process, in one sentence: an illegal access or a hang
  /// takes the whole device from it. "" while all is well; asked after a failure.
  [[nodiscard]] virtual std::string lost() const { return ""; }
};

/// One row a backend. `make` never fails: an absent device is told by info().unavailable.
struct BackendRow {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<LayerBackend> (*make)(const BackendOptions& options);
};

/// cpu, cuda, model. (`none` = counted metrics only, needs no backend.)
std::span<const BackendRow> layer_backends();

}  // namespace hotexpert
