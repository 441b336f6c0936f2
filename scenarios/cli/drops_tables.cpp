#include "scenarios/cli/drops_tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/errors.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/routing/capacity_factor.hpp"
#include "sim/routing/factor_answer.hpp"

namespace hotexpert {
namespace {

Json number(const Decimal& decimal) {
  return decimal.scale() == 0 ? Json(decimal.units()) : Json(decimal.to_double());
}

template <class Value>
void set_if(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json.set(key, *value);
}

void set_percentiles(Json& json, const Percentiles& percentiles) {
  json.set("p50", percentiles.p50).set("p95", percentiles.p95);
  json.set("p99", percentiles.p99).set("max", percentiles.max);
}

template <class Counts>
Json fractions(const Counts& counts) {
  Json array = Json::array();
  for (const auto& count : counts) array.push(count.fraction());
  return array;
}

void set_statistics(Json& json, const DropStatistics& statistics) {
  json.set("drop.token_lost_fraction", statistics.token_lost_fraction());
  set_if(json, "drop.gate_mass_fraction", statistics.gate_mass_fraction());
  json.set("by_position_decile", fractions(statistics.by_batch_decile));
  if (statistics.has_sequences)
    json.set("by_sequence_decile", fractions(statistics.by_sequence_decile));
  if (statistics.by_source_rank.size() > 1)
    json.set("by_source_rank", fractions(statistics.by_source_rank));
}

Json drops_row(const DropsRow& row, bool sampled) {
  Json json = Json::object();
  if (row.layer != DropsRow::kAllLayers) json.set("trace.layer", row.layer);
  json.set("capacity.rule", row.rule);
  if (!row.policy.empty()) json.set("capacity.policy", row.policy);
  json.set("capacity.factor", number(row.factor));
  set_if(json, "capacity", row.capacity);
  set_if(json, "drop.assignment_fraction", row.assignment_fraction);
  if (sampled) set_if(json, "standard_error", row.standard_error);
  set_if(json, "drop.floor_fraction", row.floor_fraction);
  set_if(json, "above_floor_fraction", row.above_floor_fraction);
  set_if(json, "rows.padding_fraction", row.padding_fraction);
  if (row.percentiles) set_percentiles(json, *row.percentiles);
  if (row.statistics) set_statistics(json, *row.statistics);
  json.set("provenance", name(row.provenance));
  if (!row.unsupported.empty()) json.set("unsupported", row.unsupported);
  return json;
}

bool any_has(const CommandTable& table, std::string_view key) {
  return std::any_of(table.rows.begin(), table.rows.end(),
                     [&](const Json& row) { return row.find(key) != nullptr; });
}

void set_answer(Json& row, const FactorAnswer& answer) {
  row.set("max_drop", number(answer.tolerance)).set("in_steps", number(answer.share_of_steps));
  row.set("capacity.factor", number(answer.setting.factor));
  row.set("capacity", answer.setting.capacity).set("needed_rows", answer.needed_capacity);
  row.set("drop.assignment_fraction", answer.pooled_fraction);
  row.set("rows.padded", answer.padded_rows);
  row.set("rows.padding_fraction", answer.padding_fraction);
}

Json translation_row(const CapacityRule& from, const Decimal& factor, const CapacityRule& to,
                     const CapacityScope& scope) {
  Json json = Json::object();
  json.set("from.rule", from.to_string()).set("from.factor", number(factor));
  json.set("capacity.rule", to.to_string());
  try {
    const auto there = translate_factor(from, factor, to, scope);
    json.set("from.capacity", capacity_of(from, scope, factor, std::nullopt).value());
    json.set("capacity.factor", number(there.factor)).set("capacity", there.capacity);
    json.set("sentence", describe_translation(from, factor, to, scope));
  } catch (const UsageError& reason) {
    json.set("unsupported", reason.what());
  }
  return json;
}

}  // namespace

CommandTable drops_table(const std::vector<DropsRow>& rows, bool sampled) {
  CommandTable table;
  for (const auto& row : rows) table.rows.push_back(drops_row(row, sampled));
  for (const char* column :
       {"trace.layer", "capacity.rule", "capacity.policy", "capacity.factor", "capacity",
        "drop.assignment_fraction", "p95", "max", "drop.floor_fraction", "rows.padding_fraction",
        "drop.token_lost_fraction", "drop.gate_mass_fraction", "unsupported"}) {
    if (any_has(table, column)) table.columns.emplace_back(column);
  }
  return table;
}

CommandTable spectrum_table(const StudiedDrops& studied) {
  const SpectrumSummary summary = studied.spectra->all();
  const auto& scope = studied.scope;
  const double mean_load =
      static_cast<double>(scope.tokens) * scope.top_k / static_cast<double>(scope.num_experts);
  CommandTable table;
  table.columns = {
      "capacity", "over_mean_load",     "drop.assignment_fraction", "p50", "p95", "p99",
      "max",      "drop.floor_fraction"};
  for (std::size_t i = 0; i < summary.capacities().size(); ++i) {
    const auto capacity = summary.capacities()[i];
    const auto& fractions = summary.fractions(i);
    Json row = Json::object();
    row.set("capacity", capacity);
    row.set("over_mean_load", mean_load > 0 ? static_cast<double>(capacity) / mean_load : 0.0);
    row.set("drop.assignment_fraction", fractions.mean());
    set_percentiles(row, fractions.percentiles());
    row.set("drop.floor_fraction",
            expected_drop_fraction(scope.tokens, scope.num_experts, scope.top_k, capacity));
    table.rows.push_back(std::move(row));
    if (fractions.percentiles().max == 0) break;
  }
  Json curve = Json::array();
  for (const double share : summary.pooled_curve()) curve.push(share);
  table.extra.emplace_back("curve", std::move(curve));
  table.extra.emplace_back("assignments", summary.assignments());
  return table;
}

CommandTable answer_table(const StudiedDrops& studied, const std::vector<std::string>& rules,
                          const Decimal& share_of_steps) {
  CommandTable table;
  table.columns = {"trace.layer",
                   "capacity.rule",
                   "max_drop",
                   "in_steps",
                   "capacity.factor",
                   "capacity",
                   "drop.assignment_fraction",
                   "rows.padded",
                   "rows.padding_fraction"};
  const auto add = [&](const SpectrumSummary& summary, const Json& layer) {
    for (const auto& text : rules) {
      const CapacityRule rule(text);
      Json row = Json::object();
      row.set("trace.layer", layer).set("capacity.rule", rule.to_string());
      try {
        set_answer(row,
                   answer_factor(summary, 0, share_of_steps, rule, studied.scope, studied.groups));
      } catch (const UsageError& reason) {
        row.set("unsupported", reason.what());
      }
      table.rows.push_back(std::move(row));
    }
  };
  add(studied.spectra->all(), Json("all"));
  const auto layers = studied.spectra->layers();
  for (const int layer : layers) {
    if (layers.size() > 1) add(studied.spectra->of_layer(layer), Json(layer));
  }
  if (any_has(table, "unsupported")) table.columns.emplace_back("unsupported");
  return table;
}

CommandTable translation_table(const std::vector<std::string>& rules,
                               const std::vector<Decimal>& factors, const CapacityScope& scope) {
  CommandTable table;
  table.columns = {"from.rule",       "from.factor", "from.capacity", "capacity.rule",
                   "capacity.factor", "capacity",    "unsupported"};
  for (const auto& text : rules) {
    const CapacityRule from(text);
    for (const auto& factor : factors) {
      for (const auto& row : kCapacityRules) {
        const CapacityRule to(row.name);
        if (to.to_string() == from.to_string()) continue;
        table.rows.push_back(translation_row(from, factor, to, scope));
      }
    }
  }
  if (!any_has(table, "unsupported")) table.columns.pop_back();
  return table;
}

}  // namespace hotexpert
