#include "scenarios/cli/place_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "scenarios/cli/found_run.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/presets.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/core/layer_shape.hpp"
#include "sim/placement/rebalance_verdict.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kDefaultPreset = "deepseek-v3";
constexpr double kExpertFlopsPerS = 600e12;  // a good grouped bf16 kernel on an H100
constexpr double kMemoryBytesPerS = 3.0e12;  // what an H100 streams
constexpr double kLinkBytesPerS = 50e9;      // a 400 Gb/s adapter a GPU

double number(const Arguments& arguments, std::string_view option, double fallback) {
  return arguments.has(option) ? parse_double(arguments.get(option), option) : fallback;
}

/// "10,50,200" as steps.
std::vector<std::int64_t> steps_list(const Arguments& arguments, std::string_view option) {
  const std::string text = arguments.get(option);
  std::vector<std::int64_t> steps;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    steps.push_back(parse_integer(rest.substr(0, comma), option));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return steps;
}

std::vector<std::int64_t> distinct(std::vector<std::int64_t> steps) {
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

/// Costs of the preset's experts in bf16 on an H100, each to be overridden by its option.
RebalanceCosts costs_from(const Arguments& arguments, const PlacementTarget& target,
                          int num_experts) {
  const auto& preset =
      find_row(presets(), "layer preset", arguments.get("layer.preset", kDefaultPreset));
  LayerShape shape;
  shape.d_model = preset.d_model;
  shape.d_ff = preset.d_ff;
  shape.dtype = DataType::kBf16;
  RebalanceCosts costs;
  costs.expert_bytes = number(arguments, "verdict.expert_bytes",
                              static_cast<double>(weight_bytes_per_expert(shape)));
  costs.row_s = number(arguments, "verdict.row_s", flops_per_expert(shape, 1) / kExpertFlopsPerS);
  const int slots_of_rank = (target.slot_count(num_experts) + target.ranks - 1) / target.ranks;
  costs.floor_s =
      number(arguments, "verdict.floor_s", slots_of_rank * costs.expert_bytes / kMemoryBytesPerS);
  costs.other_s = number(arguments, "verdict.other_s", 0);
  costs.link_bytes_per_s = number(arguments, "verdict.link_bytes_per_s", kLinkBytesPerS);
  costs.pause_s = number(arguments, "verdict.pause_s", 0);
  return costs;
}

VerdictQuestion question_from(const Arguments& arguments, const PlacementTarget& target,
                              const LoadMatrix& steps) {
  VerdictQuestion question;
  question.method = arguments.get("placement.method", "eplb");
  question.target = target;
  question.costs = costs_from(arguments, target, steps.experts);
  question.min_gain = number(arguments, "verdict.min_gain", question.min_gain);
  const auto share = [&](std::int64_t part) {
    return std::max<std::int64_t>(1, steps.steps / part);
  };
  question.windows = arguments.has("verdict.window") ? steps_list(arguments, "verdict.window")
                                                     : distinct({share(40), share(10)});
  question.intervals = arguments.has("verdict.interval")
                           ? steps_list(arguments, "verdict.interval")
                           : distinct({0, share(100), share(40), share(16)});
  return question;
}

Json to_row(const ScheduleResult& result, bool chosen) {
  Json row = Json::object();
  row.set("verdict.interval", result.schedule.interval)
      .set("verdict.window", result.schedule.window);
  row.set("gain", result.gain);
  if (result.gain_ci95) {
    row.set("gain_low", result.gain_ci95->low).set("gain_high", result.gain_ci95->high);
  }
  row.set("rank.max_over_mean", result.max_over_mean);
  row.set("planned_max_over_mean", result.planned_max_over_mean);
  row.set("saved_s", result.saved_s).set("charge_s", result.charge_s);
  row.set("place.moved_bytes", result.moved_bytes);
  row.set("break_even_steps", result.break_even_steps ? Json(*result.break_even_steps) : Json());
  row.set("foresight", result.foresight).set("regret", result.regret);
  row.set("chosen", chosen ? "yes" : "");
  return row;
}

Json to_json(const RebalanceCosts& costs) {
  return Json::object()
      .set("verdict.row_s", costs.row_s)
      .set("verdict.floor_s", costs.floor_s)
      .set("verdict.other_s", costs.other_s)
      .set("verdict.expert_bytes", costs.expert_bytes)
      .set("verdict.link_bytes_per_s", costs.link_bytes_per_s)
      .set("verdict.pause_s", costs.pause_s);
}

/// One schedule as a point of a run folder.
PointResult to_point(const ScheduleResult& result, const VerdictReport& report,
                     const VerdictQuestion& question, int experts) {
  constexpr auto kModelled = Provenance::kModelled;
  constexpr auto kCounted = Provenance::kCounted;
  PointResult point;
  point.point = {{"ep.ranks", Json(question.target.ranks)},
                 {"placement.method", Json(question.method)},
                 {"placement.slots", Json(question.target.slot_count(experts))},
                 {"verdict.interval", Json(result.schedule.interval)},
                 {"verdict.window", Json(result.schedule.window)}};
  Measurement gain{"place.gain", result.gain, kModelled};
  gain.ci95 = result.gain_ci95;
  point.measurements = {std::move(gain),
                        {"place.min_gain", question.min_gain, kModelled},
                        {"place.baseline_step_s", report.baseline_step_s, kModelled},
                        {"place.saved_s", result.saved_s, kModelled},
                        {"place.charge_s", result.charge_s, kModelled},
                        {"place.moved_bytes", result.moved_bytes, kCounted},
                        {"place.move_s", result.first_charge_s, kModelled},
                        {"rank.max_over_mean", result.max_over_mean, kCounted},
                        {"place.planned_max_over_mean", result.planned_max_over_mean, kCounted},
                        {"place.foresight", result.foresight, kCounted},
                        {"place.regret", result.regret, kModelled}};
  if (result.break_even_steps)
    point.measurements.push_back({"place.break_even_steps", *result.break_even_steps, kModelled});
  return point;
}

/// The verdict as a run folder: a point a schedule, the conclusion in the manifest.
void write_verdict(const VerdictReport& report, const VerdictQuestion& question, int experts,
                   const Arguments& arguments) {
  std::vector<PointResult> points;
  for (const auto& result : report.sweep)
    points.push_back(to_point(result, report, question, experts));
  if (points.empty()) {
    points.emplace_back();
    points.front().outcome = Outcome::kSkipped;
    points.front().reason = report.reasons.front();
  } else {
    points.front().series.push_back(series_along("lag", "place.persistence", "fraction",
                                                 Provenance::kCounted, report.persistence.overlap));
  }
  Json verdict = Json::object();
  verdict.set("verdict", name(report.verdict)).set("reasons", Json::array_of(report.reasons));
  verdict.set("judged_steps", report.judged_steps);
  verdict.set("baseline_step_s", report.baseline_step_s);
  verdict.set("baseline_max_over_mean", report.baseline_max_over_mean);
  verdict.set("min_gain", question.min_gain).set("costs", to_json(question.costs));
  verdict.set("persistence_by_chance", report.persistence.chance);
  if (report.chosen) {
    const auto& chosen = report.sweep[*report.chosen].schedule;
    verdict.set("interval", chosen.interval).set("window", chosen.window);
  }
  Scenario scenario;
  scenario.title = fmt::format("Does rebalancing pay? {}",
                               std::filesystem::path(arguments.positional[0]).filename().string());
  scenario.description = "Plans made on past steps, scored on later ones, moves charged.";
  write_found_run(arguments, scenario, Json::object().set("verdict", std::move(verdict)), points);
}

}  // namespace

std::vector<OptionRow> place_verdict_options() {
  return {
      {"verdict", "", "does rebalancing pay? plans on past steps, scored on later ones"},
      {"verdict.interval", "STEPS", "steps between plans to try; 0 = plan once [from the trace]"},
      {"verdict.window", "STEPS", "steps of load a plan sees, to try [from the trace]"},
      {"verdict.min_gain", "SHARE", "share of step time worth the trouble [0.01]"},
      {"layer.preset", "NAME", "whose experts the costs are of, bf16 on an H100 [deepseek-v3]"},
      {"verdict.row_s", "S", "seconds a rank needs for one row of a layer [preset at 600 TFLOP/s]"},
      {"verdict.floor_s", "S", "least seconds of a layer [a rank's weights at 3 TB/s]"},
      {"verdict.other_s", "S", "seconds of a step outside expert layers [0]"},
      {"verdict.expert_bytes", "BYTES", "weights of one expert of one layer [preset]"},
      {"verdict.link_bytes_per_s", "RATE", "rate at which a rank receives weights [50e9]"},
      {"verdict.pause_s", "S", "seconds a rebalance stops the steps, transfer aside [0]"},
      {"output,o", "RUN_DIR", "verdict: also write a run folder, which `hotexpert report` draws"}};
}

void print_verdict(const PlaceLoads& loads, const PlacementTarget& target,
                   const Arguments& arguments) {
  if (loads.steps.steps == 0) {
    throw UsageError("--verdict: loads must be whole rows, step by step");
  }
  const auto question = question_from(arguments, target, loads.steps);
  const auto report = judge_rebalancing(loads.steps, question);
  CommandTable table;
  table.columns = {"verdict.interval",
                   "verdict.window",
                   "gain",
                   "gain_low",
                   "gain_high",
                   "rank.max_over_mean",
                   "place.moved_bytes",
                   "break_even_steps",
                   "foresight",
                   "regret",
                   "chosen"};
  for (std::size_t i = 0; i < report.sweep.size(); ++i) {
    table.rows.push_back(to_row(report.sweep[i], report.chosen == i));
  }
  table.extra = {{"verdict", name(report.verdict)},
                 {"reasons", Json::array_of(report.reasons)},
                 {"placement.method", question.method},
                 {"costs", to_json(question.costs)},
                 {"provenance", "modelled"},
                 {"judged_steps", report.judged_steps},
                 {"baseline_step_s", report.baseline_step_s},
                 {"baseline_max_over_mean", report.baseline_max_over_mean},
                 {"hot_experts", report.persistence.hot_experts},
                 {"persistence", Json::array_of(report.persistence.overlap)},
                 {"persistence_by_chance", report.persistence.chance}};
  const bool text = !arguments.has("json") && !arguments.has("csv") && !arguments.has("md");
  if (text) {
    std::string sentences = fmt::format("Verdict: {}\n", name(report.verdict));
    for (const auto& reason : report.reasons) sentences += reason + "\n";
    write_stdout(sentences + "\n");
  }
  print_table(table, arguments);
  write_verdict(report, question, loads.steps.experts, arguments);
}

}  // namespace hotexpert
