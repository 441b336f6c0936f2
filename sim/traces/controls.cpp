#include "sim/traces/controls.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/traces/gate_weights.hpp"

namespace hotexpert {
namespace {

/// Deals experts from one shuffled permutation after another.
class Dealer {
 public:
  Dealer(const RandomKey& key, int num_experts)
      : key_(key), experts_(static_cast<std::size_t>(num_experts)), next_(experts_.size()) {
    std::iota(experts_.begin(), experts_.end(), StoredExpert{0});
  }

  /// The next expert that is not in `token`; one that is waits for a later slot of its permutation.
  /// Such an expert exists: a token that reaches into a new permutation has fewer slots than E.
  StoredExpert deal(std::span<const StoredExpert> token) {
    if (next_ == experts_.size()) shuffle();
    const auto first = experts_.begin() + static_cast<std::ptrdiff_t>(next_);
    const auto fresh = std::find_if(first, experts_.end(), [&](StoredExpert expert) {
      return std::find(token.begin(), token.end(), expert) == token.end();
    });
    std::iter_swap(first, fresh);
    return experts_[next_++];
  }

 private:
  void shuffle() {
    RandomStream stream(key_, permutation_++);
    for (std::size_t last = experts_.size() - 1; last > 0; --last) {
      std::swap(experts_[last], experts_[stream.below(static_cast<std::uint32_t>(last) + 1)]);
    }
    next_ = 0;
  }

  RandomKey key_;
  std::uint32_t permutation_ = 0;
  std::vector<StoredExpert> experts_;
  std::size_t next_;
};

}  // namespace

RoutingBatch fill_balanced(const RoutingBatch& like, std::uint64_t seed, BatchBuffer& buffer) {
  const RandomKey key{seed, RandomPurpose::kControl, static_cast<std::uint32_t>(like.step),
                      static_cast<std::uint32_t>(like.layer)};
  const auto slots = static_cast<std::size_t>(like.slots);
  const auto tokens = static_cast<std::size_t>(like.tokens);
  const bool weights = !like.topk_weights.empty();
  buffer.topk_ids.assign(tokens * slots, kAbsent);
  buffer.topk_weights.assign(weights ? tokens * slots : 0, 0.0F);
  Dealer dealer(key, like.num_experts);
  for (std::size_t token = 0; token < tokens; ++token) {
    const auto ids = std::span(buffer.topk_ids).subspan(token * slots, slots);
    std::size_t present = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (like.topk_ids[token * slots + slot] == kAbsent) continue;
      ids[slot] = dealer.deal(ids.first(slot));
      ++present;
    }
    if (!weights) continue;
    std::vector<float> drawn(present);
    draw_gate_weights(key, static_cast<std::uint32_t>(token), drawn);
    std::size_t next = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (ids[slot] != kAbsent) buffer.topk_weights[token * slots + slot] = drawn[next++];
    }
  }
  RoutingBatch out = like;
  out.topk_ids = buffer.topk_ids;
  out.topk_weights = buffer.topk_weights;
  out.scores = {};
  return out;
}

}  // namespace hotexpert
