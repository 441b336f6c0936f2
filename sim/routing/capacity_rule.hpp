#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/base/params.hpp"
#include "sim/routing/capacity_formula.hpp"
#include "sim/routing/rules/deepspeed.hpp"
#include "sim/routing/rules/device.hpp"
#include "sim/routing/rules/fastmoe.hpp"
#include "sim/routing/rules/megablocks.hpp"
#include "sim/routing/rules/megatron.hpp"
#include "sim/routing/rules/mesh_tf.hpp"
#include "sim/routing/rules/tutel.hpp"

namespace hotexpert {

/// What shares one capacity.
enum class CapacityBin : std::uint8_t { kExpert, kRank };

/// Which tokens compete for it.
enum class CapacityPool : std::uint8_t {
  kGroup,  ///< `capacity.group` tokens, by default the whole batch
  kBatch,  ///< always the whole batch: ranks are pooled
};

/// One framework's way to turn a capacity factor into rows.
struct CapacityRuleRow {
  std::string_view name;
  std::string_view summary;  ///< the formula, and where it comes from
  std::span<const ParamSpec> params;
  CapacityFormula (*formula)(const CapacityScope&, const NamedChoice&);
  std::string_view native_policy;  ///< the drop policy that framework uses with it
  CapacityBin bin = CapacityBin::kExpert;
  CapacityPool pool = CapacityPool::kGroup;
  int max_top_k = 0;  ///< 0 = any
};

/// Every capacity rule, in the order `hotexpert list` shows them. To add one: a file in rules/, a
/// row here.
inline constexpr std::array<CapacityRuleRow, 11> kCapacityRules = {{
    {"megatron", "ceil(k*T/E * factor); Megatron-Core", kMegatronParams, megatron_capacity,
     "probs"},
    {"switch",
     "floor(T/E * factor), k = 1 only; Switch Transformer",
     {},
     switch_capacity,
     "position",
     CapacityBin::kExpert,
     CapacityPool::kGroup,
     1},
    {"gshard",
     "max(4, floor(S*factor/E)) a group of S tokens, no factor k; GShard, Mesh-TensorFlow",
     kGshardParams, gshard_capacity, "slot-major"},
    {"deepspeed-top1", "ceil(T/E * factor), k = 1 only; DeepSpeed top1gating", kDeepspeedParams,
     deepspeed_top1_capacity, "random", CapacityBin::kExpert, CapacityPool::kGroup, 1},
    {"deepspeed-top2", "ceil(T/E * 2*factor), k <= 2; DeepSpeed top2gating", kDeepspeedParams,
     deepspeed_top2_capacity, "slot-major", CapacityBin::kExpert, CapacityPool::kGroup, 2},
    {"deepspeed-topk", "ceil(T/E * k*factor); DeepSpeed topkgating", kDeepspeedParams,
     deepspeed_topk_capacity, "probs"},
    {"tutel", "k*int(factor * ceil(T/E)), aligned; 0 = the largest load, < 0 = that, capped; Tutel",
     kTutelParams, tutel_capacity, "slot-major"},
    {"megablocks",
     "int(factor * k*T/E), pooled over the ranks; MegaBlocks MoE",
     {},
     megablocks_capacity,
     "position",
     CapacityBin::kExpert,
     CapacityPool::kBatch},
    {"fastmoe-gshard",
     "ceil(factor*T)*k // E; FastMoE GShardGate",
     {},
     fastmoe_gshard_capacity,
     "position"},
    {"fastmoe-switch",
     "ceil(factor*T / experts of a rank), k = 1 only; FastMoE SwitchGate",
     {},
     fastmoe_switch_capacity,
     "position",
     CapacityBin::kExpert,
     CapacityPool::kGroup,
     1},
    {"device",
     "ceil(k*T/R * factor) a rank, not an expert; DeepSeek-V2",
     {},
     device_capacity,
     "probs",
     CapacityBin::kRank},
}};

/// A rule with its parameters, as written in `capacity.rule`: "tutel:alignment=8".
class CapacityRule {
 public:
  /// @throws UsageError for an unknown rule or parameter
  explicit CapacityRule(std::string_view text);

  [[nodiscard]] const CapacityRuleRow& row() const { return *row_; }
  [[nodiscard]] CapacityFormula formula(const CapacityScope& scope) const {
    return row_->formula(scope, choice_);
  }
  /// Canonical text, e.g. "tutel:alignment=8".
  [[nodiscard]] std::string to_string() const { return choice_.to_string(); }
  /// Why the rule cannot be used with k choices a token, or nullopt: "rule 'switch' is for one
  /// ...".
  [[nodiscard]] std::optional<std::string> unsupported(int top_k) const;

 private:
  const CapacityRuleRow* row_;
  NamedChoice choice_;
};

/// Rows a bin may keep under `rule`: capacity_of(rule.formula(scope), ...).
/// @throws UsageError where rule.unsupported(scope.top_k), or for a negative factor without meaning
std::optional<std::int64_t> capacity_of(const CapacityRule& rule, const CapacityScope& scope,
                                        const Decimal& factor,
                                        std::optional<std::int64_t> largest_load,
                                        bool float_compat = false);

}  // namespace hotexpert
