#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/core/routing_batch.hpp"

namespace hotexpert {

/// The parts of the imbalance, in the order of LayerAnatomy::cv2.
struct AnatomyPart {
  std::string_view name;
  std::string_view definition;
  std::string_view lever;  ///< what can touch it
};
inline constexpr int kAnatomyParts = 4;
std::span<const AnatomyPart> anatomy_parts();  ///< noise, stable, drift, order
/// What is told beside the sum: co-activation and source skew.
std::span<const AnatomyPart> anatomy_beside();

/// Where the imbalance of one layer (or of all, on average) comes from.
struct LayerAnatomy {
  double mean_cv2 = 0;  ///< mean over steps of the squared variation of expert loads
  std::array<double, kAnatomyParts> cv2{};    ///< the part of each, >= 0
  std::array<double, kAnatomyParts> share{};  ///< of the total, sum 1 (0 when there is no load)
  /// Squared variation of rank loads that token-wise mixed tokens give, and that the same slots
  /// give when each slot is drawn on its own: their difference is co-activation.
  double rank_cv2 = 0;
  double rank_cv2_independent = 0;
  double source_max_over_mean = 1;  ///< tokens (bytes to send) of the fullest source rank / mean

  /// rank_cv2 / rank_cv2_independent: above 1, experts that tokens choose together share ranks;
  /// somewhat below 1 is what distinct experts give. 1 when nothing varies.
  [[nodiscard]] double coactivation() const {
    return rank_cv2_independent > 0 ? rank_cv2 / rank_cv2_independent : 1.0;
  }
};

struct Anatomy {
  std::vector<LayerAnatomy> layers;
  LayerAnatomy overall;  ///< means over layers; shares of the mean parts
  std::int64_t steps = 0;
  std::int64_t windows = 0;
  bool has_ids = true;  ///< false: of counts, which say nothing of co-activation and source skew
};

struct AnatomyOptions {
  int ranks = 8;             ///< expert ranks for co-activation, contiguous; at most E
  std::int64_t windows = 8;  ///< equal parts of the trace whose means show drift
  int threads = 1;
};

/// Splits the mean per-step CV^2 of expert loads (x = load / mean load):
///   noise  = (E - k) / (T k), what a perfect router gives;
///   stable = CV^2 of the mean over all steps, less its bias (variance between steps / steps);
///   drift  = variance between window means, less what steps inside windows explain (one-way random
///            effects);
///   order  = the rest: steps whose tokens resemble each other (bursts of requests).
/// Parts that come out below 0 are 0, and shares are of the sum.
/// @throws UsageError for a trace of fewer than two steps, or ranks or windows below 1
Anatomy anatomy(const RoutingTrace& trace, const AnatomyOptions& options = {});

/// The same of a recording that holds the counts of each step only.
/// @param top_k k, in [1, E]: noise depends on it
/// @throws UsageError as above, or for another k
Anatomy anatomy(const LoadMatrix& loads, int top_k, const AnatomyOptions& options = {});

}  // namespace hotexpert
