#pragma once

#include <cstdint>
#include <string_view>

#include "profiler/annotate.hpp"
#include "profiler/layer_backend.hpp"

namespace hotexpert {

/// What Nsight shows beside the passes of a plan.
/// @param layer of the trace   @param kernel must outlive the payload
RangePayload payload_of(const DispatchPlan& plan, std::int64_t layer, std::string_view kernel,
                        const CapacityPolicy& capacity);

/// One pass of a loaded plan inside the ranges step > layer, the latter with its payload; the
/// backend puts those of its stages inside.
PhaseTimes run_step(PreparedLayer& prepared, int handle, const RangePayload& payload);
PhaseTimes run_staged_step(PreparedLayer& prepared, int handle, const RangePayload& payload,
                           StageObserver& observer);
TracedPass run_traced_step(PreparedLayer& prepared, int handle, const RangePayload& payload);

}  // namespace hotexpert
