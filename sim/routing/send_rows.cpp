#include "sim/routing/send_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

void check_source_ranks(const RoutingBatch& batch, int num_ranks) {
  for (std::size_t token = 0; token < batch.source_rank.size(); ++token) {
    const auto rank = batch.source_rank[token];
    if (rank < 0 || rank >= num_ranks) {
      throw InputError(
          fmt::format("step {}, layer {}: token {} comes from source rank {}, outside {} ranks "
                      "(set ep.ranks to "
                      "the number of ranks that were recorded)",
                      batch.step, batch.layer, token, rank, num_ranks));
    }
  }
}

}  // namespace

std::int64_t first_token_of_rank(std::int64_t tokens, int num_ranks, int rank) {
  return tokens * rank / num_ranks;
}

int source_rank(const RoutingBatch& batch, int num_ranks, std::int64_t token) {
  if (num_ranks == 1) return 0;
  if (!batch.source_rank.empty()) return batch.source_rank[static_cast<std::size_t>(token)];
  // The last rank whose block starts at or before the token.
  return static_cast<int>(((token + 1) * num_ranks - 1) / batch.tokens);
}

void count_send_rows(const RoutingBatch& batch, DispatchPlan& plan) {
  const int ranks = plan.num_ranks;
  plan.send_rows.assign(ranks > 1 ? static_cast<std::size_t>(ranks * ranks) : 0, 0);
  if (ranks == 1) return;
  check_source_ranks(batch, ranks);
  for (int p = 0; p < plan.num_physical; ++p) {
    const auto at = static_cast<std::size_t>(p);
    const auto to = static_cast<std::size_t>(plan.rank_of_expert[at]);
    const auto rows = static_cast<std::size_t>(ranks);
    auto row = plan.source_token.begin() + plan.expert_offsets[at];
    const auto end = plan.source_token.begin() + plan.expert_offsets[at + 1];
    if (!batch.source_rank.empty()) {
      for (; row != end; ++row) {
        const auto from = batch.source_rank[static_cast<std::size_t>(*row)];
        ++plan.send_rows[static_cast<std::size_t>(from) * rows + to];
      }
      continue;
    }
    for (int from = 0; from < ranks; ++from) {
      const auto next =
          std::lower_bound(row, end, first_token_of_rank(batch.tokens, ranks, from + 1));
      plan.send_rows[static_cast<std::size_t>(from) * rows + to] += next - row;
      row = next;
    }
  }
}

}  // namespace hotexpert
