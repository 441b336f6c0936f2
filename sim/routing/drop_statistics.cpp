#include "sim/routing/drop_statistics.hpp"

#include <algorithm>
#include <unordered_map>

#include "sim/routing/drop_scope.hpp"
#include "sim/routing/send_rows.hpp"

namespace hotexpert {
namespace {

std::size_t decile(std::int64_t place, std::int64_t of) {
  return static_cast<std::size_t>(place * static_cast<std::int64_t>(DropStatistics::kDeciles) / of);
}

/// Decile of each token among the batch's tokens of its request.
std::vector<std::uint8_t> sequence_deciles(const RoutingBatch& batch) {
  std::unordered_map<std::int32_t, std::int64_t> length;
  std::vector<std::int64_t> place;
  place.reserve(batch.request_id.size());
  for (const auto request : batch.request_id) place.push_back(length[request]++);
  std::vector<std::uint8_t> deciles(place.size());
  for (std::size_t token = 0; token < place.size(); ++token) {
    deciles[token] =
        static_cast<std::uint8_t>(decile(place[token], length[batch.request_id[token]]));
  }
  return deciles;
}

/// The assignments of each token and how many of them were dropped, in token order.
template <class Visit>
void visit_tokens(const RoutingBatch& batch, const DispatchPlan& plan, const Visit& visit) {
  auto next_dropped = plan.dropped.begin();
  for (std::int64_t token = 0; token < batch.tokens; ++token) {
    const auto begin = token * batch.slots;
    DropCount count;
    for (auto i = begin; i < begin + batch.slots; ++i) {
      if (is_expert(batch, batch.topk_ids[static_cast<std::size_t>(i)])) ++count.assignments;
    }
    for (; next_dropped != plan.dropped.end() && *next_dropped < begin + batch.slots;
         ++next_dropped) {
      ++count.dropped;
    }
    visit(token, count);
  }
}

void sum_gate_mass(const RoutingBatch& batch, const DispatchPlan& plan, DropStatistics& out) {
  const auto weight = [&](std::int32_t position) {
    return static_cast<double>(batch.topk_weights[static_cast<std::size_t>(position)]);
  };
  for (std::int32_t i = 0; i < batch.assignments(); ++i) {
    if (is_expert(batch, batch.topk_ids[static_cast<std::size_t>(i)])) out.gate_mass += weight(i);
  }
  for (const auto position : plan.dropped) out.gate_mass_lost += weight(position);
  if (plan.rerouted == 0) return;
  for (std::size_t row = 0; row < plan.gate_weight.size(); ++row) {
    out.gate_mass_lost +=
        weight(plan.source_slot[row]) - static_cast<double>(plan.gate_weight[row]);
  }
}

}  // namespace

DropCount& DropCount::operator+=(const DropCount& other) {
  assignments += other.assignments;
  dropped += other.dropped;
  return *this;
}

double DropStatistics::token_lost_fraction() const {
  return tokens == 0 ? 0.0 : static_cast<double>(tokens_lost) / static_cast<double>(tokens);
}

std::optional<double> DropStatistics::gate_mass_fraction() const {
  if (!has_weights) return std::nullopt;
  return gate_mass > 0 ? gate_mass_lost / gate_mass : 0.0;
}

DropStatistics& DropStatistics::operator+=(const DropStatistics& other) {
  all += other.all;
  tokens += other.tokens;
  tokens_lost += other.tokens_lost;
  gate_mass += other.gate_mass;
  gate_mass_lost += other.gate_mass_lost;
  has_weights = has_weights || other.has_weights;
  has_sequences = has_sequences || other.has_sequences;
  for (std::size_t d = 0; d < kDeciles; ++d) {
    by_batch_decile[d] += other.by_batch_decile[d];
    by_sequence_decile[d] += other.by_sequence_decile[d];
  }
  by_source_rank.resize(std::max(by_source_rank.size(), other.by_source_rank.size()));
  for (std::size_t r = 0; r < other.by_source_rank.size(); ++r) {
    by_source_rank[r] += other.by_source_rank[r];
  }
  return *this;
}

DropStatistics count_drops(const RoutingBatch& batch, const DispatchPlan& plan) {
  DropStatistics out;
  out.has_weights = !batch.topk_weights.empty();
  out.has_sequences = !batch.request_id.empty();
  out.by_source_rank.resize(static_cast<std::size_t>(plan.num_ranks));
  const auto sequence_decile = sequence_deciles(batch);
  visit_tokens(batch, plan, [&](std::int64_t token, const DropCount& count) {
    if (count.assignments == 0) return;
    out.all += count;
    ++out.tokens;
    if (count.dropped == count.assignments) ++out.tokens_lost;
    out.by_batch_decile[decile(token, batch.tokens)] += count;
    if (out.has_sequences) {
      out.by_sequence_decile[sequence_decile[static_cast<std::size_t>(token)]] += count;
    }
    const int rank = source_rank(batch, plan.num_ranks, token);
    out.by_source_rank[static_cast<std::size_t>(rank)] += count;
  });
  if (out.has_weights) sum_gate_mass(batch, plan, out);
  return out;
}

}  // namespace hotexpert
