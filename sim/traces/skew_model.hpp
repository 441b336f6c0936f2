#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/params.hpp"

namespace hotexpert {

/// What a skew model may know of the trace it is made for.
struct SkewContext {
  int num_experts = 8;  ///< E
  int top_k = 2;        ///< k
  int layers = 1;
  std::int64_t steps = 1;
  std::int64_t tokens = 1024;  ///< a step
  std::uint64_t seed = 0;
};

/// Consecutive tokens of a step that share one popularity vector.
struct RegimeRun {
  std::int64_t regime = 0;
  std::int64_t tokens = 0;
};

/// How popular each expert is, for every token of a synthetic trace. A popularity vector is called
/// a regime; most models have one a layer, some move between several. Stateless after construction
/// and thread-safe; the same arguments give the same values in any order.
class SkewModel {
 public:
  virtual ~SkewModel() = default;

  /// Writes the popularity of each heat position: positions are dealt to expert ids afterwards, by
  /// a permutation that depends on seed and layer only, so heat is not position.
  /// @param popularity [E], every value >= 0 and finite, sum > 0; need not be normalised
  virtual void fill_popularity(int layer, std::int64_t regime,
                               std::span<double> popularity) const = 0;

  /// The regimes of a step's tokens, in token order; token counts sum to the step's tokens.
  [[nodiscard]] virtual std::vector<RegimeRun> regimes(std::int64_t step, int layer,
                                                       std::int64_t tokens) const;

  /// Probability that a chosen expert brings its partner along, the expert at the neighbouring heat
  /// position (0 with 1, 2 with 3, …). Loads stay nearly those of the popularity; pairs meet on
  /// tokens.
  [[nodiscard]] virtual double pairing() const { return 0.0; }

  /// Share of a step's tokens that each source rank holds, in token order; empty = equal blocks.
  [[nodiscard]] virtual std::vector<double> rank_shares() const { return {}; }
};

/// One skew model as scenarios, `hotexpert list` and the contract tests know it.
struct SkewModelRow {
  std::string_view name;
  std::string_view summary;
  std::span<const ParamSpec> params;
  /// The parameter that `skew.target` moves, and its values at the two ends of the search: least
  /// and most skewed. Empty when the model has none.
  std::string_view main_param;
  double even_value;
  double skewed_value;
  std::unique_ptr<SkewModel> (*make)(const NamedChoice& choice, const SkewContext& context);
};

/// Every skew model, in the order lists show them.
std::span<const SkewModelRow> skew_models();

/// The row of "zipf:exponent=1.2".   @throws UsageError listing the known names
const SkewModelRow& find_skew_model(std::string_view text);

}  // namespace hotexpert
