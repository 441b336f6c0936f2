#include "sim/model/validation.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "reports/run_store.hpp"
#include "scenarios/cli/found_run.hpp"
#include "scenarios/cli/json_table.hpp"
#include "scenarios/cli/model_actions.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/cli/text_scatter.hpp"
#include "scenarios/runner/calibration_run.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/model_points.hpp"
#include "sim/base/errors.hpp"
#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

std::string percents(const ErrorRow& row) {
  return fmt::format("{:.1f} % median, {:.1f} % p90 over {} rows", 100 * row.median_abs_error,
                     100 * row.p90_abs_error, row.n);
}

void note_scores(const ValidationReport& report) {
  note(fmt::format("cost law: {}; without {} anomalies: {}", percents(report.cost_law.overall),
                   report.anomalies.size(), percents(report.cost_law.without_anomalies)));
  note(fmt::format("3-constant roofline: {}", percents(report.roofline.overall)));
  for (const auto& hold_out : report.hold_outs)
    note(fmt::format("leave one {} out: {}", hold_out.by, percents(hold_out.overall)));
  note(fmt::format("sign of skew effects above 10 %: right in {} of {} rows",
                   report.cost_law.skew_sign.right, report.cost_law.skew_sign.total));
  for (const auto& constant : report.cost_law.constants)
    note(fmt::format("fitted: {} = {:.4g}", constant.name, constant.value));
}

/// The table and, for a reader, further tables by their key and predicted against measured.
void print_scored(const Json& json, const std::vector<const char*>& further,
                  std::span<const double> measured_s, std::span<const double> predicted_s,
                  const Arguments& arguments) {
  print_table(table_of(json), arguments);
  if (arguments.has("json") || arguments.has("csv") || arguments.has("md")) return;
  std::string text;
  for (const char* key : further) {
    const auto table = table_of(Json::object().set("rows", json.at(key)));
    text += "\n" + text_table(table);
  }
  write_stdout(text + "\n" + text_scatter(measured_s, predicted_s));
}

Scenario found_scenario(const std::string& source, const DeviceDescription& device) {
  Scenario scenario;
  scenario.title = fmt::format("The cost law of {} against {}", device.name,
                               std::filesystem::path(source).filename().string());
  scenario.description = "Predicted against measured time of every pass.";
  return scenario;
}

/// Scores a device on a measured run: by kernel family, and pass by pass.
int validate_run(const Arguments& arguments) {
  if (!arguments.has("device") || arguments.has("fit")) {
    throw UsageError(
        "model validate RUN_DIR scores a device that was fitted elsewhere: pass --device FILE.toml "
        "(hotexpert calibrate device writes one), without --fit");
  }
  const DeviceDescription device = read_device(arguments.get("device"));
  const Run run = read_run(arguments.positional[1]);
  const auto samples = calibration_samples(run);
  if (samples.empty()) {
    throw InputError(run.dir + ": no measured passes of kernels with a cost law to score");
  }
  const auto predicted_s = predict_samples(device, samples);
  const auto errors = family_errors(samples, predicted_s);
  Json predictions = Json::array();
  std::vector<double> measured_s;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    measured_s.push_back(samples[i].seconds);
    Json row = Json::object();
    row.set("kernel", name(samples[i].family)).set("step.tokens", samples[i].tokens);
    row.set("load.max_over_mean", max_over_mean(samples[i].expert_rows));
    row.set("measured_s", samples[i].seconds).set("predicted_s", predicted_s[i]);
    predictions.push(std::move(row));
  }
  Json json = Json::object();
  json.set("rows", to_json(errors)).set("device", device.name);
  json.set("predictions", std::move(predictions));
  print_scored(json, {}, measured_s, predicted_s, arguments);
  write_found_run(arguments, found_scenario(run.dir, device),
                  Json::object().set("devices", Json::object().set(device.name, to_json(device))),
                  validation_points(samples, predicted_s));
  for (const auto& error : errors) {
    note(fmt::format("{}: {:.1f} % median, {:.1f} % p90 over {} passes", name(error.family),
                     100 * error.median_error, 100 * error.p90_error, error.n));
  }
  return 0;
}

}  // namespace

int model_validate(const Arguments& arguments) {
  if (std::filesystem::is_directory(arguments.positional[1])) return validate_run(arguments);
  const DeviceDescription device = read_device(arguments.get("device", "h100-sxm"));
  const auto scored = read_published_csv(arguments.positional[1]);
  std::vector<PublishedRow> fitted;
  if (arguments.has("fit")) fitted = read_published_csv(arguments.get("fit"));
  const ValidationReport report =
      validate_published(device, fitted, scored, {kPublishedDraws, arguments.has("hold-out-all")});
  std::vector<double> measured_s;
  std::vector<double> predicted_s;
  for (const auto& prediction : report.cost_law.predictions) {
    measured_s.push_back(scored[prediction.row].latency_s);
    predicted_s.push_back(prediction.predicted_s);
  }
  print_scored(to_json(report, scored), {"margins", "crossovers"}, measured_s, predicted_s,
               arguments);
  const auto& fit = report.device;
  write_found_run(arguments, found_scenario(arguments.positional[1], fit),
                  Json::object()
                      .set("devices", Json::object().set(fit.name, to_json(fit)))
                      .set("validation", summary_json(report)),
                  validation_points(report, scored));
  note_scores(report);
  return 0;
}

}  // namespace hotexpert
