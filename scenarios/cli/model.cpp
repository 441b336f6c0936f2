#include <fmt/format.h>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/device_file.hpp"
#include "sim/base/errors.hpp"
#include "sim/model/validation.hpp"

namespace hotexpert {
namespace {

std::string percent(const ErrorRow& row) {
  return fmt::format("{:.1f} % median, {:.1f} % p90 over {} rows", 100 * row.median_abs_error,
                     100 * row.p90_abs_error, row.n);
}

void note_scores(const ValidationReport& report) {
  note(fmt::format("cost law: {}; without {} anomalies: {}", percent(report.cost_law.overall),
                   report.anomalies.size(), percent(report.cost_law.without_anomalies)));
  note(fmt::format("3-constant roofline: {}", percent(report.roofline.overall)));
  if (report.leave_one_shape_out_overall.n > 0) {
    note(fmt::format("leave one shape out: {}", percent(report.leave_one_shape_out_overall)));
  }
  note(fmt::format("sign of skew effects above 10 %: right in {} of {} rows",
                   report.cost_law.skew_sign.right, report.cost_law.skew_sign.total));
  for (const auto& constant : report.cost_law.constants)
    note(fmt::format("fitted: {} = {:.4g}", constant.name, constant.value));
}

}  // namespace

CommandSyntax model_syntax() {
  CommandSyntax syntax{
      "validate FILE.csv",
      2,
      2,
      {{"fit", "FILE.csv",
        "published latencies to fit the free constants to [none: the device file's]"},
       {"device", "NAME|FILE", "device description [h100-sxm]"}},
      {}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int model_run(const Arguments& arguments) {
  if (arguments.positional[0] != "validate") {
    throw UsageError(fmt::format("hotexpert model: unknown action '{}'; known: validate",
                                 arguments.positional[0]));
  }
  const DeviceDescription device = read_device(arguments.get("device", "h100-sxm"));
  const auto scored = read_published_csv(arguments.positional[1]);
  std::vector<PublishedRow> fitted;
  if (arguments.has("fit")) fitted = read_published_csv(arguments.get("fit"));
  const ValidationReport report = validate_published(device, fitted, scored);

  const Json json = to_json(report, scored);
  Table table;
  for (const auto& [key, value] : json.as_object()) {
    if (key == "rows") {
      table.rows = value.as_array();
    } else {
      table.extra.emplace_back(key, value);
    }
  }
  if (!table.rows.empty()) {
    table.columns.clear();
    for (const auto& [key, value] : table.rows.front().as_object()) table.columns.push_back(key);
  }
  print_table(table, arguments);
  note_scores(report);
  return 0;
}

}  // namespace hotexpert
