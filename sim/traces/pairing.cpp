#include "sim/traces/pairing.hpp"

#include <algorithm>
#include <vector>

namespace hotexpert {
namespace {

/// Partner of each expert; the last of an odd number has none.
std::vector<StoredExpert> partners(std::span<const StoredExpert> expert_of_position) {
  std::vector<StoredExpert> out(expert_of_position.size(), kAbsent);
  for (std::size_t position = 0; position + 1 < expert_of_position.size(); position += 2) {
    const auto a = expert_of_position[position];
    const auto b = expert_of_position[position + 1];
    out[static_cast<std::size_t>(a)] = b;
    out[static_cast<std::size_t>(b)] = a;
  }
  return out;
}

}  // namespace

void pair_experts(double strength, std::span<const StoredExpert> expert_of_position,
                  const RandomKey& key, std::span<const std::uint32_t> tokens, int top_k,
                  std::span<StoredExpert> ids) {
  const auto partner_of = partners(expert_of_position);
  const auto slots = static_cast<std::size_t>(top_k);
  RandomKey pairing = key;
  pairing.purpose = RandomPurpose::kPairing;
  std::vector<StoredExpert> chosen;
  const auto add = [&](StoredExpert expert) {
    if (chosen.size() < slots && std::find(chosen.begin(), chosen.end(), expert) == chosen.end()) {
      chosen.push_back(expert);
    }
  };
  for (const auto token : tokens) {
    const auto row = ids.subspan(token * slots, slots);
    RandomStream stream(pairing, token);
    chosen.clear();
    for (const auto expert : row) {
      add(expert);
      const auto partner = partner_of[static_cast<std::size_t>(expert)];
      if (unit_interval(stream.next()) < strength && partner != kAbsent) add(partner);
    }
    std::copy(chosen.begin(), chosen.end(), row.begin());
  }
}

}  // namespace hotexpert
