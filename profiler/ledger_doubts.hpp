#pragma once

#include <optional>
#include <string>
#include <vector>

#include "profiler/layer_profile.hpp"
#include "profiler/measure_warning.hpp"

namespace hotexpert {

/// Why a ledger must be read with care: stands on its face and in the result.
struct LedgerDoubt {
  std::string name;  ///< "unresolved", "unexplained", "taken", "noisy", …
  double value = 0;  ///< what was seen
  double limit = 0;  ///< from where it is doubtful
  std::string text;  ///< what was seen, why it matters, what to do: whole sentences
};

/// All doubts about a profile with a ledger, gravest first:
/// - unresolved: the interval of the difference holds 0 (value: |difference|, limit: the interval's
///   half width, seconds). Shares of such a difference mean nothing, so `unexplained` is left out;
/// - unexplained: |unexplained| > 10 % of |difference|;
/// - taken: other programs had the processors for more than 5 % of the tiles' time;
/// - noisy: 1.4826 MAD of the measured or the control passes > 10 % of their median;
/// - outliers: more than 20 % of the pairs were left out;
/// - loaded_machine: load average > half the processors when the program started.
std::vector<LedgerDoubt> ledger_doubts(const LayerProfile& profile,
                                       const std::optional<MachineLoad>& load);

}  // namespace hotexpert
