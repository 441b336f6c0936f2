#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace hotexpert {

/// Which expert each slot copies when hot experts are replicated first.
struct Replication {
  std::vector<std::int32_t> slot_expert;  ///< [P] experts 0 … E-1, then the copies as made
  std::vector<std::int32_t> copy_number;  ///< [P] 0 for the first E slots, then 1, 2, …
  std::vector<std::int32_t> copies;       ///< [E] copies of each expert, >= 1
};

/// One copy of each expert, then each further slot to the expert with the largest load / copies;
/// ties go to the lower index. The copies it returns make max load / copies as small as any P slots
/// can (an exchange argument: every copy given was needed to get below the value it removed).
/// Source: `deepseek-ai/EPLB` eplb.py, replicate_experts, with ties settled.
/// @param load [E] in the precision to compare in: EPLB's is float
/// @param slots P >= E   @return O(E (P - E)) work
template <class Real>
Replication replicate_hottest(std::span<const Real> load, int slots) {
  const std::size_t experts = load.size();
  Replication out;
  out.slot_expert.resize(experts);
  for (std::size_t e = 0; e < experts; ++e) out.slot_expert[e] = static_cast<std::int32_t>(e);
  out.copy_number.assign(experts, 0);
  out.copies.assign(experts, 1);
  std::vector<Real> share(load.begin(), load.end());
  for (auto slot = experts; slot < static_cast<std::size_t>(slots); ++slot) {
    const auto hottest =
        static_cast<std::size_t>(std::max_element(share.begin(), share.end()) - share.begin());
    out.slot_expert.push_back(static_cast<std::int32_t>(hottest));
    out.copy_number.push_back(out.copies[hottest]);
    share[hottest] = load[hottest] / static_cast<Real>(++out.copies[hottest]);
  }
  return out;
}

}  // namespace hotexpert
