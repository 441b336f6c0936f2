#pragma once

#include <optional>
#include <string_view>

#include "sim/core/dispatch_plan.hpp"
#include "sim/core/phase_times.hpp"
#include "sim/model/device_description.hpp"
#include "sim/model/layer_law.hpp"

namespace hotexpert {

/// Times of a planned pass under the cost laws, provenance `modelled`: what the `model` backend
/// returns. Every rank is priced alone on its own device; phases are those of the slowest rank in
/// that phase and total_s that of the slowest rank. rank_ffn_s holds each rank's expert time where
/// there are several. all_to_all_s stays absent: see network_model.hpp.
/// On one rank all tokens of the plan enter the layer; on one of several, as many as have rows
/// there (at most its rows). Shared experts have a row for each token that a rank owns, tokens / R
/// of them, rounded up.
/// @param kernel a kernel's name; its first word selects the law, see kernel_family
/// @throws UsageError for a kernel without a law.
PhaseTimes predict(const DispatchPlan& plan, const LayerShape& shape, std::string_view kernel,
                   const DeviceDescription& device);

/// Cost of the rank that takes longest, by phase and by cause: what binds it.
LayerCost slowest_rank_cost(const DispatchPlan& plan, const LayerShape& shape,
                            std::string_view kernel, const DeviceDescription& device);

struct SkewPrice {
  double seconds = 0;
  std::optional<double> error95;  ///< half its 95 % interval, see slope_error95()
};

/// Seconds that one more percent of max/mean load costs this plan: the slope of the slowest rank's
/// time as every expert's rows move away from and towards the mean by 5 %, m -> mean + s (m -
/// mean), the number of rows kept to rounding. nullopt where loads are all but equal (max/mean
/// < 1.02).
std::optional<SkewPrice> skew_price(const DispatchPlan& plan, const LayerShape& shape,
                                    std::string_view kernel, const DeviceDescription& device);

/// Rows that a kernel of the family computes for the plan, padding and shared experts included.
std::int64_t computed_rows_of(const DispatchPlan& plan, const LayerShape& shape,
                              KernelFamily family);

}  // namespace hotexpert
