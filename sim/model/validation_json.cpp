#include "sim/model/validation.hpp"

namespace hotexpert {
namespace {

Json error_json(const ErrorRow& row) {
  Json json = Json::object();
  json.set("model_shape", row.model_shape);
  json.set("moe_ep_size", row.expert_parallel);
  json.set("tokens", row.tokens);
  json.set("distribution", row.distribution);
  json.set("n", row.n);
  json.set("median_abs_error", row.median_abs_error);
  json.set("p90_abs_error", row.p90_abs_error);
  return json;
}

Json error_list(const std::vector<ErrorRow>& rows) {
  Json list = Json::array();
  for (const auto& row : rows) list.push(error_json(row));
  return list;
}

Json constants_json(const std::vector<FittedConstant>& constants) {
  Json list = Json::array();
  for (const auto& constant : constants) {
    Json row = Json::object();
    row.set("name", constant.name).set("unit", constant.unit).set("start", constant.start);
    row.set("value", constant.value);
    row.set("low", constant.interval95.low).set("high", constant.interval95.high);
    list.push(std::move(row));
  }
  return list;
}

Json stated_json(const LayerProgram& program) {
  const auto stated = [](const char* name, double value) {
    Json row = Json::object();
    return row.set("name", name).set("value", value);
  };
  Json list = Json::array();
  list.push(stated("tile_choice_spread", program.tile_choice_spread));
  list.push(stated("row_tile_preference", program.row_tile_preference));
  return list;
}

Json score_json(const Score& score) {
  Json json = Json::object();
  json.set("law", score.law);
  json.set("free_constants", constants_json(score.constants));
  json.set("overall", error_json(score.overall));
  json.set("without_anomalies", error_json(score.without_anomalies));
  Json sign = Json::object();
  sign.set("right", score.skew_sign.right).set("total", score.skew_sign.total);
  json.set("skew_sign", std::move(sign));
  return json;
}

Json row_json(const PublishedRow& row, const Prediction& prediction) {
  Json json = Json::object();
  json.set("model_shape", row.model);
  json.set("moe_ep_size", row.expert_parallel);
  json.set("distribution", row.distribution);
  json.set("num_tokens", row.num_tokens);
  json.set("measured_s", row.latency_s);
  json.set("predicted_s", prediction.predicted_s);
  json.set("anomalous", prediction.anomalous);
  return json;
}

}  // namespace

Json to_json(const ValidationReport& report, const std::vector<PublishedRow>& score_rows) {
  Json json = Json::object();
  json.set("rows", error_list(report.rows));
  const Json law = score_json(report.cost_law);
  for (const auto& [key, value] : law.as_object()) json.set(key, value);
  json.set("stated_constants", stated_json(report.device.program));
  json.set("held_out_elasticity_error", report.device.held_out_elasticity_error);
  json.set("margins", error_list(report.margins));
  Json crossovers = Json::array();
  for (const Crossover& crossover : report.crossovers) {
    crossovers.push(Json::object()
                        .set("model_shape", crossover.model_shape)
                        .set("moe_ep_size", crossover.expert_parallel)
                        .set("distribution", crossover.distribution)
                        .set("measured_tokens", crossover.measured_tokens)
                        .set("predicted_tokens", crossover.predicted_tokens));
  }
  json.set("crossovers", std::move(crossovers));
  json.set("roofline", score_json(report.roofline));
  Json hold_outs = Json::array();
  for (const HoldOut& hold_out : report.hold_outs) {
    Json left_out = Json::array();
    for (const Score& score : hold_out.scores)
      left_out.push(score_json(score).set("left_out", score.left_out));
    Json entry = Json::object();
    entry.set("by", hold_out.by).set("overall", error_json(hold_out.overall));
    hold_outs.push(entry.set("left_out", std::move(left_out)));
  }
  json.set("hold_outs", std::move(hold_outs));
  Json predictions = Json::array();
  Json anomalies = Json::array();
  for (const Prediction& prediction : report.cost_law.predictions) {
    Json row = row_json(score_rows[prediction.row], prediction);
    if (prediction.anomalous) anomalies.push(row);
    predictions.push(std::move(row));
  }
  json.set("anomalies", std::move(anomalies));
  json.set("predictions", std::move(predictions));
  return json;
}

Json summary_json(const ValidationReport& report) {
  const auto pooled = [](const ErrorRow& row) {
    return Json::object()
        .set("n", row.n)
        .set("median", row.median_abs_error)
        .set("p90", row.p90_abs_error);
  };
  Json json = Json::object();
  json.set("cost_law", pooled(report.cost_law.overall));
  json.set("roofline", pooled(report.roofline.overall));
  if (const HoldOut* shapes = report.held_out_by("model_shape"))
    json.set("left_out", pooled(shapes->overall));
  json.set("sign_right", report.cost_law.skew_sign.right);
  json.set("sign_total", report.cost_law.skew_sign.total);
  json.set("anomalies", static_cast<std::int64_t>(report.anomalies.size()));
  return json.set("free_constants", constants_json(report.cost_law.constants));
}

}  // namespace hotexpert
