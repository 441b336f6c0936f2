#include "sim/routing/drops_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/metrics/binomial.hpp"

namespace hotexpert {
namespace {

/// What one rule and factor do to one batch.
struct Counted {
  std::int64_t assignments = 0;
  std::int64_t dropped = 0;
  std::int64_t capacity_rows = 0;
  std::int64_t largest_capacity = 0;
};

void count_bins(std::span<const std::int64_t> loads, std::int64_t capacity, Counted& out) {
  for (const auto load : loads) {
    out.assignments += load;
    out.dropped += std::max<std::int64_t>(0, load - capacity);
  }
  out.capacity_rows += capacity * static_cast<std::int64_t>(loads.size());
  out.largest_capacity = std::max(out.largest_capacity, capacity);
}

}  // namespace

DropsTable::DropsTable(DropsQuery query, ExpertPlacement placement)
    : query_(std::move(query)), placement_(std::move(placement)) {
  for (const auto& rule : query_.rules) {
    const auto add_factors = [&](const std::string& policy) {
      for (const auto& factor : query_.factors) {
        Choice choice{CapacityRule(rule), policy, factor, std::nullopt};
        if (!policy.empty()) {
          choice.policy = DropPolicy(policy).to_string();
          choice.planner.emplace(CapacityPolicy{.factor = factor,
                                                .rule = rule,
                                                .drop_policy = policy,
                                                .group = query_.group,
                                                .seed = query_.seed,
                                                .float_compat = query_.float_compat});
        }
        choices_.push_back(std::move(choice));
      }
    };
    if (query_.policies.empty()) add_factors("");
    for (const auto& policy : query_.policies) add_factors(policy);
  }
  if (query_.group < 0) {
    throw UsageError(fmt::format(
        "capacity.group: {} tokens (write a number >= 1, or 0 for the whole batch)", query_.group));
  }
}

void DropsTable::count_groups(const RoutingBatch& batch, std::int64_t group_tokens,
                              GroupLoads& loads) {
  const auto experts = static_cast<std::size_t>(batch.num_experts);
  const auto ranks = static_cast<std::size_t>(placement_.num_ranks());
  loads.group_tokens = std::max<std::int64_t>(1, group_tokens);
  const auto groups =
      static_cast<std::size_t>((batch.tokens + loads.group_tokens - 1) / loads.group_tokens);
  loads.by_expert.assign(groups * experts, 0);
  loads.by_rank.assign(groups * ranks, 0);
  for (std::size_t g = 0; g < groups; ++g) {
    const auto first = static_cast<std::int64_t>(g) * loads.group_tokens;
    RoutingBatch group = batch;
    group.tokens = std::min(loads.group_tokens, batch.tokens - first);
    group.topk_ids = batch.topk_ids.subspan(static_cast<std::size_t>(first * batch.slots));
    count_load(group, std::span(loads.by_expert).subspan(g * experts, experts));
    for (std::size_t e = 0; e < experts; ++e) {
      const std::int64_t load = loads.by_expert[g * experts + e];
      const auto slot = index(placement_.replicas(static_cast<LogicalExpert>(e)).front());
      const auto rank = index(placement_.physical_to_rank()[static_cast<std::size_t>(slot)]);
      loads.by_rank[g * ranks + static_cast<std::size_t>(rank)] += load;
    }
  }
}

double DropsTable::floor_of(std::int64_t tokens, const RoutingBatch& batch, std::int64_t capacity) {
  const auto [entry, is_new] = floor_cache_.try_emplace({tokens, capacity}, 0.0);
  if (is_new) {
    entry->second = expected_drop_fraction(tokens, batch.num_experts, batch.slots, capacity);
  }
  return entry->second;
}

void DropsTable::add_choice(const RoutingBatch& batch, Choice& choice, const GroupLoads& loads,
                            Cell& cell) {
  const auto reason = choice.planner
                          ? choice.planner->unsupported(fields_of(batch), batch.slots, placement_)
                          : choice.rule.unsupported(batch.slots);
  if (reason) {
    cell.unsupported = *reason;
    return;
  }
  const bool by_rank = choice.rule.row().bin == CapacityBin::kRank;
  const auto& bins = by_rank ? loads.by_rank : loads.by_expert;
  const auto width = static_cast<std::size_t>(by_rank ? placement_.num_ranks() : batch.num_experts);
  Counted counted;
  double floor = 0;
  for (std::size_t g = 0; g * width < bins.size(); ++g) {
    const auto group = std::span(bins).subspan(g * width, width);
    const auto first = static_cast<std::int64_t>(g) * loads.group_tokens;
    const CapacityScope scope{.tokens = std::min(loads.group_tokens, batch.tokens - first),
                              .num_experts = batch.num_experts,
                              .top_k = batch.slots,
                              .num_ranks = placement_.num_ranks()};
    const auto capacity =
        capacity_of(choice.rule, scope, choice.factor,
                    *std::max_element(group.begin(), group.end()), query_.float_compat)
            .value();
    count_bins(group, capacity, counted);
    if (by_rank) continue;
    const auto fixed =
        capacity_of(choice.rule, scope, choice.factor, std::nullopt, query_.float_compat);
    const double share = static_cast<double>(scope.tokens) / static_cast<double>(batch.tokens);
    if (fixed) floor += share * floor_of(scope.tokens, batch, *fixed);
  }
  if (choice.planner) {
    choice.planner->plan(batch, placement_, plan_);
    counted.dropped = static_cast<std::int64_t>(plan_.dropped.size());
    if (!cell.statistics) cell.statistics.emplace();
    *cell.statistics += count_drops(batch, plan_);
  }
  ++cell.points;
  cell.capacity = std::max(cell.capacity.value_or(0), counted.largest_capacity);
  cell.capacity_rows += counted.capacity_rows;
  cell.kept_rows += counted.assignments - counted.dropped;
  cell.fractions.add(DropCount{counted.assignments, counted.dropped}.fraction());
  if (!by_rank) cell.floors.add(floor);
}

void DropsTable::add(const RoutingBatch& batch) {
  const std::int64_t group_tokens = query_.group > 0 ? query_.group : batch.tokens;
  count_groups(batch, group_tokens, grouped_);
  const bool one_group = group_tokens >= batch.tokens;
  if (!one_group) count_groups(batch, batch.tokens, pooled_);
  const GroupLoads& whole = one_group ? grouped_ : pooled_;
  auto& cells = cells_[batch.layer];
  cells.resize(choices_.size());
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const bool pooled = choices_[i].rule.row().pool == CapacityPool::kBatch;
    add_choice(batch, choices_[i], pooled ? whole : grouped_, cells[i]);
  }
}

void DropsTable::Cell::merge(const Cell& other) {
  if (!other.unsupported.empty()) unsupported = other.unsupported;
  points += other.points;
  if (other.capacity) capacity = std::max(capacity.value_or(0), *other.capacity);
  capacity_rows += other.capacity_rows;
  kept_rows += other.kept_rows;
  fractions.merge(other.fractions);
  floors.merge(other.floors);
  if (!other.statistics) return;
  if (!statistics) statistics.emplace();
  *statistics += *other.statistics;
}

void DropsTable::merge(const DropsTable& other) {
  for (const auto& [layer, cells] : other.cells_) {
    auto& own = cells_[layer];
    own.resize(choices_.size());
    for (std::size_t i = 0; i < own.size(); ++i) own[i].merge(cells[i]);
  }
}

std::vector<int> DropsTable::layers() const {
  std::vector<int> layers;
  for (const auto& entry : cells_) layers.push_back(entry.first);
  return layers;
}

DropsRow DropsTable::row_of(const Choice& choice, const Cell& cell, int layer) const {
  DropsRow row{.layer = layer,
               .factor = choice.factor,
               .rule = choice.rule.to_string(),
               .policy = choice.policy,
               .unsupported = cell.unsupported,
               .points = cell.points,
               .capacity = cell.capacity,
               .statistics = cell.statistics};
  if (cell.points == 0) return row;
  row.assignment_fraction = cell.fractions.mean();
  row.percentiles = cell.fractions.percentiles();
  if (cell.points > 1) row.standard_error = cell.fractions.standard_error();
  if (cell.floors.count() > 0) {
    row.floor_fraction = cell.floors.mean();
    row.above_floor_fraction = *row.assignment_fraction - *row.floor_fraction;
  }
  const bool by_rank = choice.rule.row().bin == CapacityBin::kRank;
  if (!by_rank && cell.capacity_rows > 0) {
    row.padding_fraction = static_cast<double>(cell.capacity_rows - cell.kept_rows) /
                           static_cast<double>(cell.capacity_rows);
  }
  return row;
}

std::vector<DropsRow> DropsTable::rows() const {
  std::vector<Cell> all(choices_.size());
  for (const auto& entry : cells_) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i].merge(entry.second[i]);
  }
  std::vector<DropsRow> rows;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    rows.push_back(row_of(choices_[i], all[i], DropsRow::kAllLayers));
  }
  return rows;
}

std::vector<DropsRow> DropsTable::rows_of_layer(int layer) const {
  std::vector<DropsRow> rows;
  const auto& cells = cells_.at(layer);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    rows.push_back(row_of(choices_[i], cells[i], layer));
  }
  return rows;
}

}  // namespace hotexpert
