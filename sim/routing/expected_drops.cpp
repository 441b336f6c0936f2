#include "sim/routing/expected_drops.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/metrics/binomial.hpp"
#include "sim/metrics/plackett_luce.hpp"
#include "sim/routing/capacity_rule.hpp"

namespace hotexpert {
namespace {

/// Expected drops of one scope; `inclusion` empty = uniform.
double expected_fraction(const CapacityScope& scope, std::span<const double> inclusion,
                         std::int64_t capacity) {
  return inclusion.empty()
             ? expected_drop_fraction(scope.tokens, scope.num_experts, scope.top_k, capacity)
             : expected_drop_fraction(scope.tokens, inclusion, capacity);
}

/// The scopes of a step: full groups, and a smaller last one.
std::vector<std::pair<std::int64_t, std::int64_t>> groups_of(std::int64_t tokens,
                                                             std::int64_t group_tokens) {
  const std::int64_t size = group_tokens > 0 ? std::min(group_tokens, tokens) : tokens;
  if (size == 0) return {{0, 1}};
  std::vector<std::pair<std::int64_t, std::int64_t>> groups = {{size, tokens / size}};
  if (tokens % size != 0) groups.emplace_back(tokens % size, 1);
  return groups;
}

DropsRow expected_row(const DropsQuery& query, const ExpectedRouting& routing,
                      std::span<const double> inclusion, const CapacityRule& rule,
                      const Decimal& factor) {
  DropsRow row{.factor = factor,
               .rule = rule.to_string(),
               .policy = "",
               .provenance = Provenance::kExpected};
  if (auto reason = rule.unsupported(routing.top_k)) {
    row.unsupported = *reason;
    return row;
  }
  if (rule.row().bin == CapacityBin::kRank) {
    row.unsupported = fmt::format(
        "capacity.rule '{}' has no closed form: a token adds several dependent assignments to a "
        "rank "
        "(leave --analytic out to sample it)",
        rule.to_string());
    return row;
  }
  const bool pooled = rule.row().pool == CapacityPool::kBatch;
  double dropped = 0;
  double floor = 0;
  double capacity_rows = 0;
  for (const auto& [tokens, count] : groups_of(routing.tokens, pooled ? 0 : query.group)) {
    const CapacityScope scope{.tokens = tokens,
                              .num_experts = routing.num_experts,
                              .top_k = routing.top_k,
                              .num_ranks = routing.num_ranks};
    const auto capacity = capacity_of(rule, scope, factor, std::nullopt, query.float_compat);
    if (!capacity) continue;  // it follows the load: nothing is dropped
    row.capacity = std::max(row.capacity.value_or(0), *capacity);
    const auto scope_tokens = static_cast<double>(tokens * count);
    dropped += scope_tokens * expected_fraction(scope, inclusion, *capacity);
    floor += scope_tokens * expected_fraction(scope, {}, *capacity);
    capacity_rows += static_cast<double>(*capacity) * static_cast<double>(count) *
                     static_cast<double>(routing.num_experts);
  }
  const auto tokens = static_cast<double>(std::max<std::int64_t>(1, routing.tokens));
  row.points = 1;
  row.assignment_fraction = dropped / tokens;
  row.floor_fraction = floor / tokens;
  row.above_floor_fraction = *row.assignment_fraction - *row.floor_fraction;
  if (capacity_rows > 0) {
    const double kept =
        static_cast<double>(routing.tokens) * routing.top_k * (1 - *row.assignment_fraction);
    row.padding_fraction = 1 - kept / capacity_rows;
  }
  return row;
}

}  // namespace

std::vector<DropsRow> expected_drops(const DropsQuery& query, const ExpectedRouting& routing) {
  std::vector<double> inclusion;
  if (!routing.popularity.empty()) {
    inclusion = plackett_luce_inclusion(routing.popularity, routing.top_k);
  }
  std::vector<DropsRow> rows;
  for (const auto& text : query.rules) {
    const CapacityRule rule(text);
    for (const auto& factor : query.factors) {
      rows.push_back(expected_row(query, routing, inclusion, rule, factor));
    }
  }
  return rows;
}

}  // namespace hotexpert
