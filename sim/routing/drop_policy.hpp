#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/params.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/routing/drop_scope.hpp"
#include "sim/routing/policies/position.hpp"
#include "sim/routing/policies/probs.hpp"
#include "sim/routing/policies/random.hpp"
#include "sim/routing/policies/reroute.hpp"
#include "sim/routing/policies/sequence_protected.hpp"
#include "sim/routing/policies/slot_major.hpp"

namespace hotexpert {

/// One way to choose which assignments an overfull bin drops.
struct DropPolicyRow {
  std::string_view name;
  std::string_view summary;
  std::span<const ParamSpec> params;
  RoutingFields needs;  ///< what the trace must hold
  void (*keep)(const DropScope&, const NamedChoice&, KeptAssignments&);
};

/// Every drop policy, in the order `hotexpert list` shows them. To add one: a file in policies/, a
/// row here. All but `reroute` drop the same number: the sum over bins of max(0, load - capacity).
inline constexpr std::array<DropPolicyRow, 6> kDropPolicies = {{
    {"position", "first come, first served: by token, then slot", {}, {}, keep_by_position},
    {"slot-major",
     "all first choices by token, then second choices; GShard, Tutel",
     {},
     {},
     keep_by_slot},
    {"probs",
     "the highest gate weights stay; Megatron-Core",
     {},
     {.weights = true},
     keep_by_weight},
    {"random",
     "a random subset stays, by seed; DeepSpeed's random token selection",
     {},
     {},
     keep_at_random},
    {"reroute",
     "by position, then to the token's best expert that has room",
     {},
     {.scores = true},
     keep_or_reroute},
    {"sequence-protected",
     "a random share of the sequences first, then gate weights; DeepSeek-V2",
     kSequenceProtectedParams,
     {.weights = true, .request_ids = true},
     keep_protected_first},
}};

/// A policy with its parameters, as written in `capacity.policy`: "sequence-protected:share=0.1".
class DropPolicy {
 public:
  /// @throws UsageError for an unknown policy or parameter
  explicit DropPolicy(std::string_view text);

  [[nodiscard]] const DropPolicyRow& row() const { return *row_; }
  void keep(const DropScope& scope, KeptAssignments& kept) const {
    row_->keep(scope, choice_, kept);
  }
  [[nodiscard]] std::string to_string() const { return choice_.to_string(); }
  /// Why the policy cannot decide on routing that holds `fields`, naming what is missing and what
  /// to choose instead; nullopt where it can.
  [[nodiscard]] std::optional<std::string> unsupported(const RoutingFields& fields) const;

 private:
  const DropPolicyRow* row_;
  NamedChoice choice_;
};

}  // namespace hotexpert
