#include <fmt/format.h>

#include <algorithm>

#include "scenarios/cli/json_table.hpp"
#include "scenarios/cli/model_actions.hpp"
#include "scenarios/cli/scenario_arguments.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/device_file.hpp"
#include "scenarios/runner/point_spec.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/model/load_profile.hpp"
#include "sim/model/price_list.hpp"

namespace hotexpert {
namespace {

/// The layer of the --layer.* flags; bf16 unless they say otherwise.
LayerShape layer_of(const Arguments& arguments) {
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
  const auto choices = scenario.expand(kSweepScopes);
  if (choices.size() != 1) throw UsageError("model price prices one layer: give one value a flag");
  return make_point_spec(choices.front()).shape;
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

/// "in this configuration one more percent of max/mean costs x us ± y", for each skew at the most
/// tokens, and where balanced loads are the slower ones.
void note_prices(const DeviceDescription& device, const std::vector<PriceCell>& cells,
                 const std::vector<double>& skews) {
  const std::int64_t most = cells.back().tokens;
  for (const auto& cell : cells) {
    if (cell.tokens != most) continue;
    note(fmt::format(
        "{} tokens at max/mean {}: one more percent of max/mean costs {:.3g} us ± {:.2g} ({})",
        cell.tokens, cell.skew, 1e6 * cell.seconds_per_percent,
        1e6 * cell.seconds_per_percent_error, name(cell.binding)));
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

}  // namespace

int model_price(const Arguments& arguments) {
  const DeviceDescription device = read_device(arguments.get("device", "h100-sxm"));
  PriceQuestion question;
  question.shape = layer_of(arguments);
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
  print_table(table_of(json), arguments);
  note_prices(device, cells, skews);
  return 0;
}

}  // namespace hotexpert
