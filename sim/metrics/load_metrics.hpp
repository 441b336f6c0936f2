#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/core/expert_placement.hpp"
#include "sim/core/point_result.hpp"
#include "sim/core/routing_batch.hpp"

namespace hotexpert {

// Metrics of one load vector: c_i = assignments to expert i (or load of rank i), mu = mean c_i.
// Each is defined for a vector without counts (never NaN): nothing is unequal when nothing is
// loaded, so the ratio max/mean is 1 and the deviations are 0. An empty span counts as no load.
// Loads are >= 0. Formulas: metric catalogue.

double max_over_mean(std::span<const std::int64_t> load);  ///< max c / mu, in [1, E]
double max_vio(std::span<const std::int64_t> load);        ///< (max c - mu) / mu, in [0, E - 1]
double load_cv(std::span<const std::int64_t> load);        ///< population deviation / mu
double load_gini(std::span<const std::int64_t> load);      ///< in [0, 1 - 1/E]; O(E log E)
double load_entropy(std::span<const std::int64_t> load);   ///< nats, in [0, ln E]
std::int64_t active_experts(std::span<const std::int64_t> load);  ///< experts with c > 0
/// exp(entropy), in [1, E]; 0 without counts.
double effective_experts(std::span<const std::int64_t> load);
/// max / mean of fractional loads (ranks that share replicas), in [1, R].
double max_over_mean(std::span<const double> load);

/// Load of each rank: an expert with several copies splits its load equally among them.
/// @param load [E] by logical expert   @return [R]
std::vector<double> rank_loads(std::span<const std::int64_t> load,
                               const ExpertPlacement& placement);

/// Experts that consecutive tokens have in common, averaged over the tokens - 1 pairs, in [0, k]. 0
/// for fewer than two tokens. Absent slots match nothing; tokens are taken in the batch's order.
double token_overlap(const RoutingBatch& batch);

/// The load.* metrics of expert_load_metrics() and the rank metrics of rank_load_metrics(): every
/// one of the catalogue that loads alone determine (load.token_overlap needs tokens,
/// rank.peak_bytes the layer's shape): computed for each (step, layer) first, then averaged, with
/// percentiles over (step, layer) where there are several. A (step, layer) without counts takes no
/// part in the mean, except in load.balancedness_sglang, where it scores 1; load.max_vio_global and
/// load.dead_experts leave out layers that never have counts. Without any counts each metric has
/// the value of an empty load.
/// @param placement of loads.experts logical experts   @throws UsageError if the two disagree on E.
std::vector<Measurement> load_metrics(const LoadMatrix& loads, const ExpertPlacement& placement,
                                      Provenance provenance = Provenance::kCounted);

/// The part of load_metrics() that knows no ranks.
std::vector<Measurement> expert_load_metrics(const LoadMatrix& loads,
                                             Provenance provenance = Provenance::kCounted);

/// The part that needs a placement: load.balancedness_*, rank.max_over_mean, rank.imbalance_trtllm.
/// @param by_layer one placement for all layers, or one a layer   @param first_step earlier steps
/// take no part: they are what the placement was planned on
std::vector<Measurement> rank_load_metrics(const LoadMatrix& loads,
                                           std::span<const ExpertPlacement> by_layer,
                                           std::int64_t first_step = 0,
                                           Provenance provenance = Provenance::kCounted);

}  // namespace hotexpert
