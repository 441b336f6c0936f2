#include <fmt/format.h>

#include <memory>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "scenarios/runner/trace_cache.hpp"
#include "sim/base/errors.hpp"
#include "sim/routing/capacity_rule.hpp"
#include "sim/routing/drops_table.hpp"
#include "sim/routing/expected_drops.hpp"
#include "sim/traces/skew_model.hpp"

namespace hotexpert {
namespace {

/// The axes that `drops` tabulates itself; every other axis has one value.
bool is_tabulated(std::string_view axis) {
  return axis == "capacity.factor" || axis == "capacity.rule" || axis == "capacity.policy";
}

Scenario drops_scenario(const Arguments& arguments) {
  Scenario scenario;
  for (const auto& axis : axes()) {
    if (!arguments.has(axis.name)) continue;
    if (axis.name == "capacity.rule" && arguments.get(axis.name) == "all") continue;
    scenario.set(axis.name, arguments.get(axis.name), fmt::format("--{}", axis.name));
    if (!is_tabulated(axis.name) && scenario.values(axis).size() > 1) {
      throw UsageError(fmt::format(
          "--{}: drops takes one value; a table over several is a sweep with --backend none",
          axis.name));
    }
  }
  if (!arguments.positional.empty())
    scenario.set("trace.file", arguments.positional.front(), "TRACE");
  return scenario;
}

DropsQuery make_query(const Scenario& scenario, const Arguments& arguments, const PointSpec& spec) {
  DropsQuery query;
  for (const auto& factor : scenario.values(find_axis("capacity.factor"))) {
    if (factor == "none")
      throw UsageError(
          "--capacity.factor: name the factors to tabulate, e.g. 1,1.25,1.5,2 (dropless drops "
          "nothing)");
    query.factors.push_back(Decimal::parse(factor));
  }
  query.rules = scenario.values(find_axis("capacity.rule"));
  if (arguments.get("capacity.rule") == "all") {
    query.rules.clear();
    for (const auto& rule : kCapacityRules) query.rules.emplace_back(rule.name);
  }
  if (scenario.is_set("capacity.policy"))
    query.policies = scenario.values(find_axis("capacity.policy"));
  query.group = spec.capacity.group;
  query.seed = spec.capacity.seed;
  query.float_compat = arguments.has("float-compat");
  return query;
}

std::vector<DropsRow> analytic_rows(const DropsQuery& query, const PointSpec& spec) {
  if (!spec.trace.file.empty()) {
    throw UsageError(
        "--analytic needs a skew model: a recorded trace is counted, not expected (leave "
        "--analytic out)");
  }
  const auto& row = find_skew_model(spec.trace.model);
  std::vector<double> popularity;
  if (row.name != "uniform") {
    const auto choice = NamedChoice::parse(spec.trace.model, row.params, "skew model");
    const SkewContext context{.num_experts = spec.shape.num_experts,
                              .top_k = spec.shape.top_k,
                              .layers = 1,
                              .steps = 1,
                              .tokens = spec.trace.step_tokens,
                              .seed = spec.trace.seed};
    popularity.resize(static_cast<std::size_t>(spec.shape.num_experts));
    row.make(choice, context)->fill_popularity(0, 0, popularity);
  }
  return expected_drops(query, {.tokens = spec.trace.step_tokens,
                                .num_experts = spec.shape.num_experts,
                                .top_k = spec.shape.top_k,
                                .num_ranks = 1,
                                .popularity = popularity});
}

/// Counts every batch of the trace, layers in parallel, and merges the layers in order.
DropsTable count_table(const DropsQuery& query, PointSpec& spec, int threads) {
  TraceCache traces(1);
  const auto trace = traces.open(spec.trace);
  resolve_shape(spec, trace->info());
  for (const auto& warning : trace->info().warnings) warn(warning);
  const BatchRange range = batch_range(spec.trace, trace->info());
  const auto placement = ExpertPlacement::contiguous(spec.shape.num_experts);
  std::vector<std::unique_ptr<DropsTable>> tables(static_cast<std::size_t>(range.layers));
  parallel_for(range.layers, threads, [&](int, std::int64_t layer) {
    auto table = std::make_unique<DropsTable>(query, placement);
    BatchBuffer buffer;
    for (std::int64_t step = 0; step < range.steps; ++step) {
      table->add(trace->read(step, range.first_layer + static_cast<int>(layer), buffer));
    }
    tables[static_cast<std::size_t>(layer)] = std::move(table);
  });
  DropsTable all(query, placement);
  for (const auto& table : tables) all.merge(*table);
  return all;
}

template <class Value>
void set_if(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json.set(key, *value);
}

Json to_row(const DropsRow& row, bool sampled) {
  Json json = Json::object();
  if (row.layer != DropsRow::kAllLayers) json.set("trace.layer", row.layer);
  json.set("capacity.rule", row.rule);
  if (!row.policy.empty()) json.set("capacity.policy", row.policy);
  json.set("capacity.factor",
           row.factor.scale() == 0 ? Json(row.factor.units()) : Json(row.factor.to_double()));
  set_if(json, "capacity", row.capacity);
  set_if(json, "drop.assignment_fraction", row.assignment_fraction);
  if (sampled) set_if(json, "standard_error", row.standard_error);
  set_if(json, "drop.floor_fraction", row.floor_fraction);
  set_if(json, "above_floor_fraction", row.above_floor_fraction);
  set_if(json, "rows.padding_fraction", row.padding_fraction);
  if (row.percentiles) {
    json.set("p50", row.percentiles->p50).set("p95", row.percentiles->p95);
    json.set("p99", row.percentiles->p99).set("max", row.percentiles->max);
  }
  if (row.statistics) {
    json.set("drop.token_lost_fraction", row.statistics->token_lost_fraction());
    set_if(json, "drop.gate_mass_fraction", row.statistics->gate_mass_fraction());
    Json deciles = Json::array();
    for (const auto& decile : row.statistics->by_batch_decile) deciles.push(decile.fraction());
    json.set("by_position_decile", std::move(deciles));
  }
  json.set("provenance", name(row.provenance));
  if (!row.unsupported.empty()) json.set("unsupported", row.unsupported);
  return json;
}

}  // namespace

CommandSyntax drops_syntax() {
  CommandSyntax syntax{
      "[TRACE]",
      0,
      1,
      {{"analytic", "", "closed form instead of counting: the expectation of independent tokens"},
       {"by-layer", "", "a row for each layer, instead of all together"},
       {"float-compat", "", "repeat the frameworks' double arithmetic instead of exact decimals"},
       {"jobs,j", "N", "threads that draw and count; results do not depend on it [all]"}},
      {AxisScope::kSeed, AxisScope::kLayer, AxisScope::kTrace, AxisScope::kCapacity}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int drops_run(const Arguments& arguments) {
  const Scenario scenario = drops_scenario(arguments);
  AxisChoice choice = scenario.expand(kSweepScopes).front();
  choice["backend"] = "none";
  PointSpec spec = make_point_spec(choice);
  const DropsQuery query = make_query(scenario, arguments, spec);
  spec.trace.needs_weights = !query.policies.empty();

  Table table;
  table.columns = {"capacity.rule",
                   "capacity.factor",
                   "capacity",
                   "drop.assignment_fraction",
                   "p95",
                   "max",
                   "drop.floor_fraction",
                   "rows.padding_fraction"};
  if (!query.policies.empty()) {
    table.columns.insert(table.columns.begin() + 1, "capacity.policy");
    table.columns.insert(table.columns.end(),
                         {"drop.token_lost_fraction", "drop.gate_mass_fraction"});
  }
  const bool sampled = !arguments.has("analytic") && spec.trace.file.empty();
  const auto add = [&](const std::vector<DropsRow>& rows) {
    for (const auto& row : rows) table.rows.push_back(to_row(row, sampled));
  };
  if (arguments.has("analytic")) {
    add(analytic_rows(query, spec));
  } else {
    const int jobs = job_count(arguments);
    const DropsTable counted = count_table(query, spec, jobs > 0 ? jobs : available_threads());
    if (arguments.has("by-layer")) {
      table.columns.insert(table.columns.begin(), "trace.layer");
      for (const int layer : counted.layers()) add(counted.rows_of_layer(layer));
    } else {
      add(counted.rows());
    }
  }
  bool unsupported = false;
  for (const auto& row : table.rows)
    unsupported = unsupported || row.find("unsupported") != nullptr;
  if (unsupported) table.columns.emplace_back("unsupported");
  print_table(table, arguments);
  return 0;
}

}  // namespace hotexpert
