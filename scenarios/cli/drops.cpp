#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "reports/run_store.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/drops_tables.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/drops_study.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/sweep.hpp"
#include "sim/base/errors.hpp"
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

std::vector<Decimal> read_factors(const Scenario& scenario) {
  std::vector<Decimal> factors;
  if (!scenario.is_set("capacity.factor")) return factors;
  for (const auto& factor : scenario.values(find_axis("capacity.factor"))) {
    if (factor == "none") {
      throw UsageError(
          "--capacity.factor: name the factors to tabulate, e.g. 1,1.25,1.5,2 (dropless drops "
          "nothing)");
    }
    factors.push_back(Decimal::parse(factor));
  }
  return factors;
}

DropsQuery make_query(const Scenario& scenario, const Arguments& arguments, const PointSpec& spec) {
  DropsQuery query;
  query.factors = read_factors(scenario);
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

/// "1%" or "0.01", exactly.
Decimal read_share(const Arguments& arguments, const char* option, const char* fallback) {
  std::string text = arguments.get(option, fallback);
  const std::string written = text;
  const bool percent = !text.empty() && text.back() == '%';
  if (percent) text.pop_back();
  try {
    const Decimal share = Decimal::parse(percent ? text + "e-2" : text);
    if (share.sign() >= 0 && share <= Decimal(1, 0)) return share;
  } catch (const UsageError&) {  // NOLINT: said below, with the option's name
  }
  throw UsageError(fmt::format("--{}: '{}' is not a share like 1% or 0.01", option, written));
}

int read_ranks(const Arguments& arguments) {
  const std::int64_t ranks = parse_integer(arguments.get("ep.ranks", "1"), "--ep.ranks");
  if (ranks < 1 || ranks > 4096)
    throw UsageError(fmt::format("--ep.ranks: {} is outside 1 to 4096", ranks));
  return static_cast<int>(ranks);
}

/// What the flags ask for.
/// @throws UsageError where they ask for nothing, or for two tables at once
DropsStudy make_study(const Scenario& scenario, const Arguments& arguments, PointSpec& spec) {
  DropsStudy study;
  study.query = make_query(scenario, arguments, spec);
  study.num_ranks = read_ranks(arguments);
  const int jobs = job_count(arguments);
  study.threads = jobs > 0 ? jobs : available_threads();
  study.should_stop = [] { return caught_signal() != 0; };
  study.spectrum = arguments.has("spectrum") || arguments.has("output");
  if (arguments.has("max-drop")) study.tolerances = {read_share(arguments, "max-drop", "")};
  spec.trace.needs_weights = !study.query.policies.empty();

  const bool has_factors = !study.query.factors.empty();
  const int tables = (arguments.has("spectrum") ? 1 : 0) + (arguments.has("max-drop") ? 1 : 0);
  if (tables + (has_factors ? 1 : 0) > 1 && !arguments.has("output")) {
    throw UsageError(
        "drops prints one table: --capacity.factor, --spectrum or --max-drop (with -o RUN_DIR all "
        "of them go into the run folder)");
  }
  const bool needs_factors = arguments.has("translate") || arguments.has("analytic") ||
                             (tables == 0 && !arguments.has("output"));
  if (needs_factors && !has_factors) {
    throw UsageError(
        "--capacity.factor: name the factors to tabulate, e.g. 1,1.25,1.5,2; or ask for --spectrum "
        "or --max-drop SHARE");
  }
  return study;
}

void print_translation(const DropsStudy& study, const Arguments& arguments, PointSpec& spec) {
  if (!spec.trace.file.empty()) {
    TraceCache traces(1);
    resolve_shape(spec, traces.open(spec.trace)->info());
  }
  const CapacityScope scope{
      .tokens = study.query.group > 0 ? study.query.group : spec.trace.step_tokens,
      .num_experts = spec.shape.num_experts,
      .top_k = spec.shape.top_k,
      .num_ranks = study.num_ranks};
  const CommandTable table = translation_table(study.query.rules, study.query.factors, scope);
  if (arguments.has("json") || arguments.has("csv") || arguments.has("md")) {
    print_table(table, arguments);
    return;
  }
  std::string text;
  for (const auto& row : table.rows) {
    const Json* sentence = row.find("sentence");
    text += (sentence != nullptr ? sentence : row.find("unsupported"))->as_string() + "\n";
  }
  write_stdout(text);
}

std::vector<DropsRow> table_rows(const DropsTable& table, bool by_layer) {
  if (!by_layer) return table.rows();
  std::vector<DropsRow> rows;
  for (const int layer : table.layers()) {
    for (auto& row : table.rows_of_layer(layer)) rows.push_back(std::move(row));
  }
  return rows;
}

StudiedDrops study_with_progress(DropsStudy& study, PointSpec& spec) {
  std::optional<Progress> progress;
  std::int64_t next = 0;
  study.on_progress = [&](std::int64_t done, std::int64_t total) {
    constexpr std::int64_t kUpdates = 500;  // a step takes microseconds
    if (done < next) return;
    next = done + total / kUpdates;
    if (!progress) progress.emplace(total);
    progress->show(done, "batches counted");
  };
  return study_drops(study, spec);
}

/// Writes the run folder that `hotexpert report` draws.
void write_run(Scenario scenario, const DropsStudy& study, const StudiedDrops& studied,
               const PointSpec& spec, const Arguments& arguments) {
  const std::string dir = arguments.get("output");
  scenario.title = fmt::format("Drops of {}", studied.trace_name);
  scenario.description = "How many assignments are dropped at each capacity, and whose.";
  Json manifest = make_manifest(scenario);
  manifest.set("scenario",
               scenario.resolved({AxisScope::kSeed, AxisScope::kTrace, AxisScope::kCapacity}));
  if (studied.recording) manifest.set("traces", Json::array().push(*studied.recording));
  RunWriter writer = RunWriter::draft(dir, manifest);
  for (const auto& point : drops_points(studied, spec)) writer.append(point);
  if (!study.tolerances.empty()) {
    const auto share = read_share(arguments, "in-steps", "95%");
    for (const auto& point : answer_points(studied, spec, study.query.rules, share))
      writer.append(point);
  }
  writer.publish();
  note(fmt::format("the run is in {}; draw it with: hotexpert report {} -o report.html", dir, dir));
}

}  // namespace

CommandSyntax drops_syntax() {
  CommandSyntax syntax{
      "[TRACE]",
      0,
      1,
      {{"spectrum", "", "a row for every capacity, with percentiles over steps and layers"},
       {"max-drop", "SHARE", "the smallest factor that drops at most this share: 1%"},
       {"in-steps", "SHARE", "... in at least this share of the steps [95%]"},
       {"translate", "", "each factor of capacity.rule in every other rule"},
       {"analytic", "", "closed form instead of counting: the expectation of independent tokens"},
       {"by-layer", "", "a row for each layer, instead of all together"},
       {"float-compat", "", "repeat the frameworks' double arithmetic instead of exact decimals"},
       {"ep.ranks", "R", "contiguous expert-parallel ranks, for the rule device and bias by rank"},
       {"output,o", "RUN_DIR", "also write a run folder, which `hotexpert report` draws"},
       {"jobs,j", "N", "threads that draw and count; results do not depend on it [all]"}},
      {AxisScope::kSeed, AxisScope::kLayer, AxisScope::kTrace, AxisScope::kRecording,
       AxisScope::kCapacity},
      {{"[TRACE]", "recorded routing (hotexpert list importers) [drawn from skew.model]"}}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int drops_run(const Arguments& arguments) {
  const Scenario scenario = drops_scenario(arguments);
  AxisChoice choice = scenario.expand(kSweepScopes).front();
  choice["backend"] = "none";
  PointSpec spec = make_point_spec(choice);
  DropsStudy study = make_study(scenario, arguments, spec);
  if (arguments.has("translate")) {
    print_translation(study, arguments, spec);
    return 0;
  }
  if (arguments.has("analytic")) {
    print_table(drops_table(analytic_rows(study.query, spec), false), arguments);
    return 0;
  }
  const bool sampled = spec.trace.file.empty();
  const StudiedDrops studied = study_with_progress(study, spec);
  if (studied.stopped) return 128 + caught_signal();
  for (const auto& warning : studied.warnings) warn(warning);
  if (arguments.has("output")) write_run(scenario, study, studied, spec, arguments);
  if (arguments.has("max-drop")) {
    print_table(answer_table(studied, study.query.rules, read_share(arguments, "in-steps", "95%")),
                arguments);
  } else if (studied.table) {
    print_table(drops_table(table_rows(*studied.table, arguments.has("by-layer")), sampled),
                arguments);
  } else {
    print_table(spectrum_table(studied), arguments);
  }
  return 0;
}

}  // namespace hotexpert
