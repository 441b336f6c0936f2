#include "sim/routing/policies/sequence_protected.hpp"

#include "sim/base/random.hpp"
#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {
namespace {

constexpr std::uint32_t kSequenceBlock = 0xffffffff;  // apart from the blocks of policy `random`

std::vector<bool> protected_tokens(const DropScope& scope, double share) {
  const RandomKey key{.seed = scope.seed, .purpose = RandomPurpose::kDropOrder};
  std::vector<bool> is_protected;
  for (auto token = scope.first_token; token < scope.end_token; ++token) {
    const auto request = scope.batch.request_id[static_cast<std::size_t>(token)];
    const auto word = philox(key, static_cast<std::uint32_t>(request), kSequenceBlock)[0];
    is_protected.push_back(unit_interval(word) < share);
  }
  return is_protected;
}

}  // namespace

void keep_protected_first(const DropScope& scope, const NamedChoice& choice,
                          KeptAssignments& kept) {
  const auto& batch = scope.batch;
  const auto is_protected = protected_tokens(scope, choice.get("share"));
  const auto protects = [&](std::int32_t position) {
    return bool{is_protected[static_cast<std::size_t>(position / batch.slots - scope.first_token)]};
  };
  keep_best(scope, kept, [&](std::int32_t a, std::int32_t b) {
    if (protects(a) != protects(b)) return protects(a);
    const float weight_a = orderable_weight(batch, a);
    const float weight_b = orderable_weight(batch, b);
    return weight_a != weight_b ? weight_a > weight_b : a < b;
  });
}

}  // namespace hotexpert
