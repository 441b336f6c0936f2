#pragma once

#include <map>
#include <memory>
#include <string>

#include "profiler/layer_backend.hpp"
#include "scenarios/runner/counted.hpp"
#include "scenarios/runner/placements.hpp"
#include "scenarios/runner/point_spec.hpp"

namespace hotexpert {

/// The backends of this machine, made once, and the layers that neighbouring points share.
class BackendPool {
 public:
  /// The backend that `name` means here; "auto" was resolved before.
  /// @param device device file of backend `model`; empty for the others   @param pass that its
  /// layers run
  /// @throws DeviceError when a backend asked for by name cannot run, UsageError when its name is
  /// unknown
  LayerBackend& get(const std::string& name, int threads, const std::string& device = "",
                    LayerPass pass = LayerPass::kForward);
  /// The name that "auto" stands for here.
  std::string resolve(const std::string& name);
  /// The layer with its weights in place, kept until a point asks for another kernel, pass, width,
  /// data type or seed.
  PreparedLayer& prepare(LayerBackend& backend, const PointSpec& spec, const LayerShape& shape,
                         int num_physical);
  /// Frees the layers that are kept: one of them failed.
  void forget() { prepared_.clear(); }
  /// Why no point can run on `backend` any more, after one failed there; "" while it can. It is
  /// remembered.
  const std::string& ask_whether_lost(const LayerBackend& backend) {
    return lost_ = backend.lost();
  }
  [[nodiscard]] const std::string& lost() const { return lost_; }

 private:
  std::map<std::string, std::unique_ptr<LayerBackend>> backends_;  ///< by name, threads and pass
  std::string prepared_kernel_;
  std::map<std::string, std::unique_ptr<PreparedLayer>> prepared_;  ///< by numbers of experts
  std::string lost_;
};

/// Runs the chosen batch of the point and its controls on the backend: checks every expert against
/// fp64, then measures the arms interleaved, and adds the layer, kernel and row metrics to
/// `result`; with several ranks, rank after rank. Where the backend models its times each arm is
/// priced once, unchecked, and its held-out error stands beside the times. A kernel that cannot run
/// the shape, or that needs more memory than there is, makes the point skipped; a wrong result or a
/// failing device makes it failed; each with the reason. pool.lost() then says whether a later
/// point can run.
void time_point(const PointSpec& spec, const RoutingTrace& trace, const Placements& placements,
                const Counted& counted, BackendPool& pool, PointResult& result);

}  // namespace hotexpert
