#include "scenarios/cli/profile_output.hpp"

namespace hotexpert {
namespace {

Json interval_json(const std::optional<Interval>& interval) {
  if (!interval) return {};
  return Json::array().push(interval->low).push(interval->high);
}

Json ledger_rows(const StragglerLedger& ledger) {
  Json rows = Json::array();
  for (const auto& entry : ledger.entries) {
    Json row = Json::object().set("cause", name(entry.cause));
    if (entry.index >= 0) row.set("index", entry.index);
    rows.push(row.set("seconds", entry.seconds).set("sentence", entry.sentence()));
  }
  return rows;
}

Json passes_json(const std::vector<BandSummary>& bands) {
  Json rows = Json::array();
  for (const auto& band : bands) {
    Json row = Json::object().set("pass", band.pass).set("tiles", band.tiles);
    row.set("begin_s", band.begin_s).set("span_s", band.span_s).set("busy_s", band.busy_s);
    if (band.tiles > 0)
      row.set("longest_s", band.longest_s).set("longest_expert", band.longest_expert);
    rows.push(std::move(row));
  }
  return rows;
}

Json timeline_json(const PointProfile& profile) {
  const auto& summary = profile.layer.summary;
  const auto& timeline = profile.shown.timeline;
  Json experts = Json::array();
  for (std::size_t e = 0; e < summary.expert_share.size(); ++e) {
    const int expert = static_cast<int>(e);
    experts.push(Json::object()
                     .set("expert", expert)
                     .set("rows", timeline.grid.token_rows[e])
                     .set("computed_rows", timeline.grid.computed_rows[e])
                     .set("tiles", timeline.grid.tiles(expert))
                     .set("share", summary.expert_share[e])
                     .set("end_s", summary.expert_end_s[e]));
  }
  Json json;
  json.set("total_s", profile.shown.times.total_s);
  const auto set_time = [&](const char* key, const std::optional<double>& seconds) {
    if (seconds) json.set(key, *seconds);
  };
  set_time("expert_ffn_s", profile.shown.times.expert_ffn_s);
  set_time("dgrad_s", profile.shown.times.dgrad_s);
  set_time("wgrad_s", profile.shown.times.wgrad_s);
  json.set("span_s", summary.span_s).set("busy_s", summary.busy_s);
  json.set("idle_fraction", summary.idle_fraction).set("padding_share", summary.padding_share);
  json.set("tiles", static_cast<std::int64_t>(timeline.tiles.size()));
  json.set("last_expert", summary.experts_by_last_end.front());
  if (!summary.bands.empty()) json.set("passes", passes_json(summary.bands));
  json.set("worker_busy_s", Json::array_of(summary.worker_busy_s));
  json.set("worker_tail_s", Json::array_of(summary.worker_tail_s));
  return json.set("experts", std::move(experts));
}

Json ranks_json(const RankedPass& step) {
  Json rows = Json::array();
  for (std::size_t rank = 0; rank < step.ranks.size(); ++rank) {
    const auto& pass = step.ranks[rank];
    std::int64_t token_rows = 0;
    for (const auto count : pass.timeline.grid.token_rows) token_rows += count;
    Json row = Json::object().set("rank", static_cast<std::int64_t>(rank)).set("rows", token_rows);
    row.set("total_s", pass.times.total_s);
    if (pass.times.expert_ffn_s) row.set("expert_ffn_s", *pass.times.expert_ffn_s);
    row.set("dispatch_s", step.dispatch_s[rank]).set("return_s", step.return_s[rank]);
    rows.push(row.set("wait_s", step.wait_s(static_cast<int>(rank))));
  }
  return rows;
}

Json reruns_json(const std::vector<Rerun>& reruns) {
  Json rows = Json::array();
  for (const auto& rerun : reruns) {
    Json row = Json::object().set("cause", name(rerun.cause));
    if (rerun.index >= 0) row.set("index", rerun.index);
    if (rerun.ran) {
      row.set("change", rerun.change).set("booked_s", rerun.verdict.booked_s);
      row.set("saved_s", rerun.verdict.saved_s);
      row.set("saved_ci95", interval_json(rerun.verdict.saved_ci95));
      row.set("confirmed", rerun.verdict.confirmed);
    } else {
      row.set("reason", rerun.reason);
    }
    rows.push(std::move(row));
  }
  return rows;
}

Json doubts_json(const std::vector<LedgerDoubt>& doubts) {
  Json rows = Json::array();
  for (const auto& doubt : doubts)
    rows.push(Json::object()
                  .set("name", doubt.name)
                  .set("value", doubt.value)
                  .set("limit", doubt.limit)
                  .set("text", doubt.text));
  return rows;
}

Json clock_json(const LayerProfile& layer) {
  Json json = Json::object();
  if (layer.measured_clock_hz) json.set("measured", *layer.measured_clock_hz);
  if (layer.control_clock_hz) json.set("control", *layer.control_clock_hz);
  return json;
}

}  // namespace

Json profile_json(const PointProfile& profile, const std::string& title) {
  Json json;
  json.set("title", title).set("kernel", profile.kernel).set("backend", profile.backend);
  json.set("device", profile.device).set("steps", profile.steps);
  json.set("point", Json(Json::Object(profile.result.point.begin(), profile.result.point.end())));
  json.set("remarks", Json::array_of(profile.remarks));
  if (!profile.profiled) return json.set("rows", Json::array());
  const auto& layer = profile.layer;
  json.set("slowest_stage", name(profile.slowest_stage));
  json.set("overhead", Json::object()
                           .set("value", layer.trace_overhead.value)
                           .set("ci95", interval_json(layer.trace_overhead.ci95)));
  json.set("cupti", to_json(profile.cupti));
  if (!layer.untraced.empty()) return json.set("rows", Json::array());
  json.set("timeline", timeline_json(profile));
  if (!profile.ranks.ranks.empty()) {
    json.set("straggler", profile.ranks.straggler()).set("step_s", profile.ranks.step_s());
    json.set("ranks", ranks_json(profile.ranks));
  }
  json.set("measured_s", layer.ledger.measured_s).set("control_s", layer.ledger.control_s);
  json.set("difference_s", layer.ledger.difference_s());
  json.set("difference_ci95", interval_json(layer.difference_ci95));
  json.set("resolved", layer.resolved());
  json.set("unexplained_fraction", layer.ledger.unexplained_fraction());
  json.set("pass_spread", layer.pass_spread).set("taken_fraction", layer.taken_fraction);
  json.set("clock_hz", clock_json(layer));
  json.set("warnings", doubts_json(profile.doubts));
  json.set("pairs", static_cast<std::int64_t>(layer.pairs.size()));
  json.set("outliers", static_cast<std::int64_t>(layer.outliers));
  json.set("rows", ledger_rows(layer.ledger));
  return json.set("reruns", reruns_json(profile.reruns));
}

}  // namespace hotexpert
