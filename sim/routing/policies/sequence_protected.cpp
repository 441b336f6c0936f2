#include "sim/routing/policies/sequence_protected.hpp"

#include <vector>

#include "sim/base/random.hpp"
#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {
namespace {

constexpr std::uint32_t kSequenceBlock = 0xffffffff;  // apart from the blocks of policy `random`

/// For each token of the scope, 0 when its sequence is protected, else 1.
std::vector<std::uint64_t> unprotected_tokens(const DropScope& scope, double share) {
  const RandomKey key{.seed = scope.seed, .purpose = RandomPurpose::kDropOrder};
  std::vector<std::uint64_t> unprotected;
  for (auto token = scope.first_token; token < scope.end_token; ++token) {
    const auto request = scope.batch.request_id[static_cast<std::size_t>(token)];
    const auto word = philox(key, static_cast<std::uint32_t>(request), kSequenceBlock)[0];
    unprotected.push_back(unit_interval(word) < share ? 0 : 1);
  }
  return unprotected;
}

}  // namespace

void keep_protected_first(const DropScope& scope, const NamedChoice& choice,
                          KeptAssignments& kept) {
  const auto unprotected = unprotected_tokens(scope, choice.get("share"));
  const auto weights = weights_of(scope);
  const auto slots = static_cast<std::size_t>(scope.batch.slots);
  std::vector<std::uint64_t> ranks;
  ranks.reserve(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    ranks.push_back(unprotected[i / slots] << 32 | falling_rank(weights[i]));
  }
  keep_best(scope, ranks, kept);
}

}  // namespace hotexpert
