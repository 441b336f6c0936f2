#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/core/routing_batch.hpp"
#include "sim/traces/trace_arrays.hpp"

namespace hotexpert {

struct TwinOptions {
  std::int64_t window = 64;  ///< tokens over which popularity is taken as constant
  std::uint64_t seed = 0;
  int threads = 1;
};

/// The experts that an expert brings along: with `probability` one of them, by `share`, each more
/// or less as it is hotter or colder in the window than overall (to the power partner_heat).
struct TwinPartners {
  double probability = 0;
  std::vector<StoredExpert> expert;
  std::vector<double> share;  ///< of each, sum 1
};

/// One layer of a fitted generator.
struct TwinLayer {
  std::vector<double> mean_share;      ///< [E] experts a token, overall (sums to k)
  std::vector<float> window_share;     ///< [windows, E] of each window: drift and bursts
  double repeat = 0;                   ///< probability that an expert of the last token is kept
  std::vector<TwinPartners> partners;  ///< [E] co-activation, or empty
  double partner_heat = 0.5;           ///< power to which partners follow the heat of the window
  std::vector<double> correction;      ///< [E] of popularity, for what partners bring; with them
  double weight_power = 1;             ///< gate weights are exponentials to this power, normalised
};

/// A generator fitted to a recorded trace. Holds frequencies, no rows.
struct TwinModel {
  int num_experts = 0;
  int slots = 0;
  std::int64_t tokens = 0;
  std::int64_t window = 0;
  bool has_weights = false;
  std::vector<TwinLayer> layers;
};

/// Fits popularity per layer and window (shrunk towards the layer's mean by what chance explains),
/// the repetition of experts from one token to the next, the partners an expert brings along (of
/// at most 512 experts: what pairs meet oftener than window popularity explains, scaled so that
/// drawn tokens have the recorded pair lift and overlap) and the spread of gate weights. The trace
/// is read in its order, whatever its steps.
/// @throws UsageError when the trace is shorter than two windows
TwinModel fit_twin(const RoutingTrace& trace, const TwinOptions& options = {});

/// Draws a trace of the model: the same tokens, layers and slots, distinct experts.
/// @param ordered false leaves out everything but mean_share and weights: independent tokens, the
///        i.i.d. twin that hides bursts
TraceArrays draw_twin(const TwinModel& model, const TwinOptions& options, bool ordered = true);

/// One row of the fidelity table.
struct FidelityRow {
  std::string metric;       ///< "drop@1.25", "max_over_mean", "cv", "token_overlap", "pair_lift"
  std::int64_t tokens = 0;  ///< of a step
  bool shuffled = false;    ///< tokens in random order instead of the recorded one
  double original = 0;
  double twin = 0;
  double iid = 0;  ///< the wrong answer of independent tokens
};

/// Metrics of the original, its twin and its i.i.d. twin, in recorded and in shuffled order, for
/// each step size that fits.
std::vector<FidelityRow> twin_fidelity(const TraceArrays& original, const TraceArrays& twin,
                                       const TraceArrays& iid, int num_experts,
                                       const std::vector<std::int64_t>& step_tokens,
                                       int threads = 1);

}  // namespace hotexpert
