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
                     .set("tiles", timeline.grid.row_tiles(expert) * timeline.grid.column_tiles)
                     .set("share", summary.expert_share[e])
                     .set("end_s", summary.expert_end_s[e]));
  }
  Json json;
  json.set("total_s", profile.shown.times.total_s);
  if (profile.shown.times.expert_ffn_s) json.set("expert_ffn_s", *profile.shown.times.expert_ffn_s);
  json.set("span_s", summary.span_s).set("busy_s", summary.busy_s);
  json.set("idle_fraction", summary.idle_fraction).set("padding_share", summary.padding_share);
  json.set("tiles", static_cast<std::int64_t>(timeline.tiles.size()));
  json.set("last_expert", summary.experts_by_last_end.front());
  json.set("worker_busy_s", Json::array_of(summary.worker_busy_s));
  json.set("worker_tail_s", Json::array_of(summary.worker_tail_s));
  return json.set("experts", std::move(experts));
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
