#include "sim/model/price_list.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/statistics.hpp"
#include "sim/model/load_profile.hpp"

namespace hotexpert {
namespace {

constexpr double kSlopeStep = 0.1;

constexpr std::array<std::string_view, 5> kBindingNames = {"launch", "weight bytes", "math", "rows",
                                                           "straggler"};

/// Seconds of the hottest rank for each draw at one skew.
std::vector<double> drawn_seconds(const LayerLaw& law, const LoadProfile& profile,
                                  const PriceQuestion& question, std::int64_t tokens) {
  std::vector<double> seconds;
  for (int draw = 0; draw < question.draws; ++draw) {
    const auto loads = profile.draw(tokens, static_cast<std::uint32_t>(draw));
    seconds.push_back(law.price(tokens, hottest_rank_rows(loads, question.ranks)).total_s);
  }
  return seconds;
}

Binding binding_of(const LayerCost& balanced, double straggler_s) {
  const std::array causes = {balanced.launch_s, balanced.memory_s, balanced.math_s,
                             balanced.elementwise_s, straggler_s};
  return static_cast<Binding>(std::max_element(causes.begin(), causes.end()) - causes.begin());
}

/// Profiles at a skew and on both sides of it.
struct SkewStencil {
  double skew;
  double low_skew;
  double high_skew;
  LoadProfile at;
  LoadProfile low;
  LoadProfile high;
};

SkewStencil stencil(const LayerShape& shape, double skew) {
  const double reach = 0.999 * shape.num_experts / shape.top_k;
  const double low = std::max(1.0, skew * (1 - kSlopeStep));
  const double high = std::max(low, std::min(reach, skew * (1 + kSlopeStep)));
  const auto profile = [&](double value) {
    return LoadProfile(shape.num_experts, shape.top_k, value);
  };
  return {skew, low, high, profile(skew), profile(low), profile(high)};
}

void add_slope(const LayerLaw& law, const SkewStencil& skew, const PriceQuestion& question,
               double held_out_error, PriceCell& cell) {
  const auto low = drawn_seconds(law, skew.low, question, cell.tokens);
  const auto high = drawn_seconds(law, skew.high, question, cell.tokens);
  const double percent = (skew.high_skew - skew.low_skew) / skew.skew * 100;
  if (!(percent > 0)) return;
  std::vector<double> slope;
  for (std::size_t i = 0; i < low.size(); ++i) slope.push_back((high[i] - low[i]) / percent);
  const double noise =
      slope.size() > 1 ? std::sqrt(variance(slope) / static_cast<double>(slope.size())) : 0;
  cell.seconds_per_percent = mean(slope);
  cell.seconds_per_percent_error = std::hypot(held_out_error * cell.seconds_per_percent, noise);
}

}  // namespace

std::string_view name(Binding binding) { return kBindingNames[static_cast<std::size_t>(binding)]; }

std::vector<PriceCell> price_list(const DeviceDescription& device, const PriceQuestion& question,
                                  const std::vector<std::int64_t>& tokens,
                                  const std::vector<double>& skews) {
  const LayerShape& shape = question.shape;
  if (question.ranks < 1 || shape.num_experts % question.ranks != 0) {
    throw UsageError("price: " + std::to_string(question.ranks) + " ranks do not divide " +
                     std::to_string(shape.num_experts) + " experts");
  }
  const LayerLaw law(device, shape, question.family, shape.num_experts / question.ranks);
  std::vector<SkewStencil> stencils;
  for (const double skew : skews) stencils.push_back(stencil(shape, skew));
  std::vector<PriceCell> cells;
  for (const std::int64_t t : tokens) {
    const LayerCost balanced = law.price(
        t, hottest_rank_rows(equal_loads(shape.num_experts, shape.top_k, t), question.ranks));
    for (const auto& skew : stencils) {
      PriceCell cell;
      cell.tokens = t;
      cell.skew = skew.skew;
      cell.seconds = mean(drawn_seconds(law, skew.at, question, t));
      cell.balanced_seconds = balanced.total_s;
      cell.ratio = cell.seconds / cell.balanced_seconds;
      cell.binding = binding_of(balanced, cell.seconds - balanced.total_s);
      add_slope(law, skew, question, device.held_out_error, cell);
      cells.push_back(cell);
    }
  }
  return cells;
}

std::int64_t crossover_tokens(const std::vector<PriceCell>& cells, double skew) {
  std::int64_t largest = 0;
  for (const auto& cell : cells) {
    if (cell.skew == skew && cell.ratio < 1) largest = std::max(largest, cell.tokens);
  }
  return largest;
}

Json price_list_json(const DeviceDescription& device, const std::vector<PriceCell>& cells) {
  Json rows = Json::array();
  for (const auto& cell : cells) {
    Json row = Json::object();
    row.set("step.tokens", cell.tokens).set("skew", cell.skew).set("layer.total_s", cell.seconds);
    row.set("layer.balanced_total_s", cell.balanced_seconds).set("ratio", cell.ratio);
    row.set("binding", name(cell.binding));
    row.set("s_per_percent", cell.seconds_per_percent);
    row.set("s_per_percent_error", cell.seconds_per_percent_error);
    rows.push(std::move(row));
  }
  Json json = Json::object();
  json.set("rows", std::move(rows));
  return json.set("held_out_error", device.held_out_error);
}

}  // namespace hotexpert
