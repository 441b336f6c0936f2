#include "sim/routing/exchange_layout.hpp"
#include "sim/base/index.hpp"

#include <numeric>

namespace hotexpert {
namespace {

/// First row of each rank's part.
std::vector<std::int64_t> starts(const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> first(rows.size());
  std::exclusive_scan(rows.begin(), rows.end(), first.begin(), std::int64_t{0});
  return first;
}

/// Calls visit(physical expert, row, source rank, destination rank) in the order of the plan.
template <class Visit>
void for_each_row(const DispatchPlan& plan, std::span<const std::int32_t> source_rank,
                  const Visit& visit) {
  for (int p = 0; p < plan.num_physical; ++p) {
    for (auto row = plan.expert_offsets[at(p)]; row < plan.expert_offsets[at(p) + 1]; ++row)
      visit(p, at(row), source_rank[at(plan.source_token[at(row)])], plan.rank_of_expert[at(p)]);
  }
}

void count_rows(const DispatchPlan& plan, int rank, std::span<const std::int32_t> source_rank,
                ExchangeLayout& layout) {
  layout.send_rows.assign(at(plan.num_ranks), 0);
  layout.receive_rows.assign(at(plan.num_ranks), 0);
  for_each_row(plan, source_rank, [&](int, std::size_t, int from, int to) {
    if (from == rank) ++layout.send_rows[at(to)];
    if (to == rank) ++layout.receive_rows[at(from)];
  });
}

void fill_sent(const DispatchPlan& plan, int rank, std::span<const std::int32_t> source_rank,
               float equal_weight, ExchangeLayout& layout) {
  std::vector<std::int32_t> own_index(source_rank.size(), -1);
  for (std::size_t token = 0; token < source_rank.size(); ++token) {
    if (source_rank[token] != rank) continue;
    own_index[token] = static_cast<std::int32_t>(layout.own_tokens.size());
    layout.own_tokens.push_back(static_cast<std::int32_t>(token));
  }
  const auto cells = layout.own_tokens.size() * at(plan.slots);
  layout.row_of_slot.assign(cells, -1);
  layout.weight_of_slot.assign(cells, 0.0F);
  auto next = starts(layout.send_rows);
  layout.send_token.resize(
      at(std::accumulate(layout.send_rows.begin(), layout.send_rows.end(), std::int64_t{0})));
  for_each_row(plan, source_rank, [&](int, std::size_t row, int from, int to) {
    if (from != rank) return;
    const std::int32_t own = own_index[at(plan.source_token[row])];
    const auto cell = at(own * plan.slots + plan.source_slot[row] % plan.slots);
    const auto sent = next[at(to)]++;
    layout.send_token[at(sent)] = own;
    layout.row_of_slot[cell] = static_cast<std::int32_t>(sent);
    layout.weight_of_slot[cell] = plan.gate_weight.empty() ? equal_weight : plan.gate_weight[row];
  });
}

void fill_arrival(const DispatchPlan& plan, int rank, std::span<const std::int32_t> source_rank,
                  ExchangeLayout& layout) {
  DispatchPlan& arrival = layout.arrival;
  arrival.slots = 1;
  arrival.expert_offsets = {0};
  auto next = starts(layout.receive_rows);
  for (int p = 0; p < plan.num_physical; ++p) {
    if (plan.rank_of_expert[at(p)] != rank) continue;
    for (auto row = plan.expert_offsets[at(p)]; row < plan.expert_offsets[at(p) + 1]; ++row) {
      const auto from = source_rank[at(plan.source_token[at(row)])];
      arrival.source_token.push_back(static_cast<std::int32_t>(next[at(from)]++));
    }
    if (!plan.capacity.empty()) arrival.capacity.push_back(plan.capacity[at(p)]);
    arrival.expert_offsets.push_back(static_cast<std::int64_t>(arrival.source_token.size()));
    ++arrival.num_physical;
  }
  arrival.tokens = arrival.rows();
  arrival.source_slot = arrival.source_token;
  arrival.gate_weight.assign(arrival.source_token.size(), 1.0F);
  arrival.rank_of_expert.assign(at(arrival.num_physical), 0);
}

}  // namespace

ExchangeLayout lay_out_exchange(const DispatchPlan& plan, int rank,
                                std::span<const std::int32_t> source_rank, float equal_weight) {
  ExchangeLayout layout;
  count_rows(plan, rank, source_rank, layout);
  fill_sent(plan, rank, source_rank, equal_weight, layout);
  fill_arrival(plan, rank, source_rank, layout);
  return layout;
}

}  // namespace hotexpert
