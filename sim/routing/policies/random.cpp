#include "sim/routing/policies/random.hpp"

#include <array>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/routing/policies/keep_best.hpp"

namespace hotexpert {
namespace {

constexpr int kWords = 4;  // a Philox block

/// A word for each slot of the scope's tokens.
std::vector<std::uint64_t> draw_words(const DropScope& scope) {
  const auto& batch = scope.batch;
  const RandomKey key{.seed = scope.seed,
                      .purpose = RandomPurpose::kDropOrder,
                      .step = static_cast<std::uint32_t>(batch.step),
                      .layer = static_cast<std::uint32_t>(batch.layer)};
  std::vector<std::uint64_t> words;
  words.reserve(static_cast<std::size_t>((scope.end_token - scope.first_token) * batch.slots));
  for (auto token = scope.first_token; token < scope.end_token; ++token) {
    std::array<std::uint32_t, kWords> block{};
    for (int slot = 0; slot < batch.slots; ++slot) {
      if (slot % kWords == 0) {
        block = philox(key, static_cast<std::uint32_t>(token),
                       static_cast<std::uint32_t>(slot / kWords));
      }
      words.push_back(block[static_cast<std::size_t>(slot % kWords)]);
    }
  }
  return words;
}

}  // namespace

void keep_at_random(const DropScope& scope, const NamedChoice&, KeptAssignments& kept) {
  keep_best(scope, draw_words(scope), kept);
}

}  // namespace hotexpert
