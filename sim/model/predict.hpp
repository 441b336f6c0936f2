#pragma once

#include <string_view>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/phase_times.hpp"
#include "sim/model/device_description.hpp"

namespace hotexpert {

/// Times of a planned pass under the cost laws, provenance `modelled`: what the `model` backend
/// returns. Every rank is priced alone on its own device; phases are those of the slowest rank in
/// that phase and total_s that of the slowest rank. rank_ffn_s holds each rank's expert time where
/// there are several. all_to_all_s stays absent: see network_model.hpp.
/// On one rank all tokens of the plan enter the layer; on one of several, as many as have rows
/// there (at most its rows).
/// @param kernel a kernel's name; its first word selects the law, see kernel_family
/// @throws UsageError for a kernel without a law.
PhaseTimes predict(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel,
                   const DeviceDescription& device);

}  // namespace hotexpert
