#include <fmt/format.h>

#include <algorithm>

#include "scenarios/cli/found_run.hpp"
#include "scenarios/cli/json_table.hpp"
#include "scenarios/cli/model_actions.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/model_points.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/model/load_profile.hpp"
#include "sim/model/price_list.hpp"

namespace hotexpert {
namespace {

/// The layer of the --layer.* flags; bf16 unless they say otherwise.
Scenario layer_scenario(const Arguments& arguments) {
  if (!arguments.has("layer.preset") && !arguments.has("layer.experts")) {
    throw UsageError(
        "model price needs a layer: --layer.preset NAME (hotexpert list presets), or "
        "--layer.experts and the other layer.* flags");
  }
  Scenario scenario;
  for (const auto& axis : axes()) {
    if (axis.scope == AxisScope::kLayer && arguments.has(axis.name))
      scenario.set(axis.name, arguments.get(axis.name), fmt::format("--{}", axis.name));
  }
  if (!arguments.has("layer.dtype")) scenario.set("layer.dtype", "bf16", "");
  if (scenario.point_count(kSweepScopes) != 1)
    throw UsageError("model price prices one layer: give one value a flag");
  return scenario;
}

std::vector<std::int64_t> tokens_of(const Arguments& arguments) {
  const std::string text = arguments.get("step.tokens", "2^4:2^14");
  std::vector<std::int64_t> tokens;
  for (const auto& value : parse_axis_values(find_axis("step.tokens"), text))
    tokens.push_back(parse_integer(value, "step.tokens"));
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

/// The skews asked for. Of the default ones only those that E and k allow.
std::vector<double> skews_of(const Arguments& arguments, const LayerShape& shape) {
  constexpr AxisRow kSkew{"skew",
                          AxisScope::kTrace,
                          AxisKind::kDecimal,
                          "1,2,4,7",
                          "ratio",
                          "skew",
                          "expected max/mean expert load"};
  std::vector<double> skews;
  const double reach = LoadProfile::largest_skew(shape.num_experts, shape.top_k);
  for (const auto& value : parse_axis_values(kSkew, arguments.get("skew", kSkew.default_value))) {
    const double skew = parse_double(value, "skew");
    if (arguments.has("skew") || skew <= reach) skews.push_back(skew);
  }
  return skews;
}

/// Half an interval beside its value.
std::string plus_minus_us(const std::optional<double>& error) {
  return error ? fmt::format("± {:.2f}", 1e6 * *error) : "± unknown";
}

/// "in this configuration one more percent of max/mean costs x us ± y", for each skew at the most
/// tokens, and where balanced loads are the slower ones.
void note_prices(const DeviceDescription& device, const std::vector<PriceCell>& cells,
                 const std::vector<double>& skews) {
  const std::int64_t most = cells.back().tokens;
  for (const auto& cell : cells) {
    if (cell.tokens != most) continue;
    note(fmt::format(
        "{} tokens at max/mean {}: one more percent of max/mean costs {:.2f} us {} ({})",
        cell.tokens, cell.skew, 1e6 * cell.seconds_per_percent,
        plus_minus_us(cell.seconds_per_percent_error), name(cell.binding)));
  }
  for (const double skew : skews) {
    const std::int64_t crossover = crossover_tokens(cells, skew);
    if (crossover > 0)
      note(fmt::format("up to {} tokens balanced loads are slower than max/mean {}", crossover,
                       skew));
  }
  if (device.held_out_error <= 0)
    note(fmt::format("{} was never compared with a measurement: {}", device.name, device.source));
}

/// The table that people paste: tokens down, skews across, "+34 %, 0.42 ± 0.05 us/%" in a cell.
CommandTable sensitivity_table(const std::vector<PriceCell>& cells,
                               const std::vector<double>& skews) {
  CommandTable table;
  table.columns = {"step.tokens", "balanced_us"};
  for (const double skew : skews) table.columns.push_back(fmt::format("{}x", skew));
  for (std::size_t i = 0; i < cells.size(); i += skews.size()) {
    Json row = Json::object();
    row.set("step.tokens", cells[i].tokens);
    row.set("balanced_us", 1e6 * cells[i].balanced_seconds);
    for (std::size_t s = 0; s < skews.size(); ++s) {
      const auto& cell = cells[i + s];
      row.set(table.columns[2 + s], fmt::format("{:+.0f} %, {:.2f} {} us/%", 100 * (cell.ratio - 1),
                                                1e6 * cell.seconds_per_percent,
                                                plus_minus_us(cell.seconds_per_percent_error)));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The priced configuration as the axes of a run's points.
Scenario priced_scenario(Scenario scenario, const Arguments& arguments,
                         const PriceQuestion& question, const DeviceDescription& device) {
  const auto set = [&](std::string_view axis, const std::string& value) {
    scenario.set(axis, value, fmt::format("--{}", axis));
  };
  set("device", arguments.get("device", "h100-sxm"));
  set("kernel", std::string(name(question.family)));
  set("ep.ranks", fmt::format("{}", question.ranks));
  scenario.title = fmt::format("The price of skew on {}", device.name);
  scenario.description = "What one more percent of max/mean load costs, and what binds.";
  return scenario;
}

Point priced_axes(const Scenario& scenario) {
  Point point;
  for (const auto& axis : axes()) {
    if (scenario.is_set(axis.name))
      point.emplace_back(axis.name, axis_value_json(axis, scenario.values(axis).front()));
  }
  return point;
}

}  // namespace

int model_price(const Arguments& arguments) {
  const DeviceDescription device = read_device(arguments.get("device", "h100-sxm"));
  PriceQuestion question;
  Scenario scenario = layer_scenario(arguments);
  question.shape = make_point_spec(scenario.expand(kSweepScopes).front()).shape;
  question.family = kernel_family(arguments.get("kernel", "grouped"));
  const std::int64_t ranks = parse_integer(arguments.get("ep.ranks", "1"), "ep.ranks");
  if (ranks < 1 || ranks > question.shape.num_experts) {
    throw UsageError(fmt::format("ep.ranks: {} is outside 1 to {}, the number of experts", ranks,
                                 question.shape.num_experts));
  }
  question.ranks = static_cast<int>(ranks);
  const auto skews = skews_of(arguments, question.shape);
  const auto cells = price_list(device, question, tokens_of(arguments), skews);
  Json json = price_list_json(device, cells);
  json.set("device", device.name).set("kernel", name(question.family));
  json.set("ep.ranks", question.ranks).set("provenance", "modelled");
  Json crossovers = Json::array();
  for (const double skew : skews) {
    crossovers.push(Json::object()
                        .set("skew", skew)
                        .set("balanced_slower_up_to_tokens", crossover_tokens(cells, skew)));
  }
  json.set("crossovers", std::move(crossovers));
  if (arguments.has("by-skew")) {
    CommandTable table = sensitivity_table(cells, skews);
    table.extra = table_of(json).extra;
    print_table(table, arguments);
  } else {
    print_table(table_of(json), arguments);
  }
  const Scenario priced = priced_scenario(std::move(scenario), arguments, question, device);
  write_found_run(arguments, priced, Json::object(), price_points(priced_axes(priced), cells));
  note_prices(device, cells, skews);
  return 0;
}

}  // namespace hotexpert
