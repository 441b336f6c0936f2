#include "sim/model/price_list.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <memory>
#include <string>

#include "sim/base/errors.hpp"
#include "sim/base/statistics.hpp"
#include "sim/model/load_profile.hpp"
#include "sim/model/price_error.hpp"

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

std::array<double, 5> causes_of(const LayerCost& balanced, double straggler_s) {
  return {balanced.launch_s, balanced.memory_s, balanced.math_s, balanced.elementwise_s,
          straggler_s};
}

Binding largest_of(const std::array<double, 5>& causes) {
  return static_cast<Binding>(std::max_element(causes.begin(), causes.end()) - causes.begin());
}

/// The time of the hottest rank under one device, and what uniform loads it was tuned on.
class RankPrice {
 public:
  explicit RankPrice(const PriceQuestion& question)
      : question_(question), local_experts_(question.shape.num_experts / question.ranks) {}

  [[nodiscard]] LayerLaw law(const DeviceDescription& device) {
    if (!uniform_) {
      uniform_ = std::make_shared<const UniformLoads>(
          question_.shape, question_.family == KernelFamily::kLoop ? 1 : local_experts_,
          device.program.largest_tuned_tokens);
    }
    return {device, question_.shape, question_.family, local_experts_, true, uniform_};
  }

 private:
  const PriceQuestion& question_;
  std::int64_t local_experts_;
  std::shared_ptr<const UniformLoads> uniform_;
};

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

/// Seconds for one more percent of max/mean, draw by draw.
std::vector<double> drawn_slopes(const LayerLaw& law, const SkewStencil& skew,
                                 const PriceQuestion& question, std::int64_t tokens) {
  const double percent = (skew.high_skew - skew.low_skew) / skew.skew * 100;
  if (!(percent > 0)) return {};
  const auto low = drawn_seconds(law, skew.low, question, tokens);
  auto slope = drawn_seconds(law, skew.high, question, tokens);
  for (std::size_t i = 0; i < slope.size(); ++i) slope[i] = (slope[i] - low[i]) / percent;
  return slope;
}

/// Half the 95 % interval of the mean over draws.
double sampling_error95(const std::vector<double>& drawn) {
  if (drawn.size() < 2) return 0;
  const auto n = static_cast<double>(drawn.size());
  return boost::math::quantile(boost::math::students_t(n - 1), 0.975) *
         std::sqrt(variance(drawn) / n);
}

void check(const PriceQuestion& question) {
  if (question.ranks >= 1 && question.shape.num_experts % question.ranks == 0) return;
  throw UsageError("price: " + std::to_string(question.ranks) + " ranks do not divide " +
                   std::to_string(question.shape.num_experts) + " experts");
}

}  // namespace

std::string_view name(Binding binding) { return kBindingNames[static_cast<std::size_t>(binding)]; }

std::vector<PriceCell> price_list(const DeviceDescription& device, const PriceQuestion& question,
                                  const std::vector<std::int64_t>& tokens,
                                  const std::vector<double>& skews) {
  check(question);
  const LayerShape& shape = question.shape;
  RankPrice prices(question);
  const LayerLaw law = prices.law(device);
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
      if (const auto factor = ratio_factor95(device, skew.skew))
        cell.ratio_ci95 = Interval{cell.ratio / *factor, cell.ratio * *factor};
      cell.cause_s = causes_of(balanced, cell.seconds - balanced.total_s);
      cell.binding = largest_of(cell.cause_s);
      const auto slopes = drawn_slopes(law, skew, question, t);
      if (!slopes.empty()) {
        cell.seconds_per_percent = mean(slopes);
        cell.seconds_per_percent_error = slope_error95(
            device, cell.seconds, sampling_error95(slopes), [&](const DeviceDescription& other) {
              return mean(drawn_slopes(prices.law(other), skew, question, t));
            });
      }
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
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json();
  };
  for (const auto& cell : cells) {
    Json row = Json::object();
    row.set("step.tokens", cell.tokens).set("skew", cell.skew).set("layer.total_s", cell.seconds);
    row.set("layer.balanced_total_s", cell.balanced_seconds).set("ratio", cell.ratio);
    row.set("ratio_low", cell.ratio_ci95 ? Json(cell.ratio_ci95->low) : Json());
    row.set("ratio_high", cell.ratio_ci95 ? Json(cell.ratio_ci95->high) : Json());
    row.set("binding", name(cell.binding));
    row.set("s_per_percent", cell.seconds_per_percent);
    row.set("s_per_percent_error", or_null(cell.seconds_per_percent_error));
    rows.push(std::move(row));
  }
  Json json = Json::object();
  json.set("rows", std::move(rows));
  return json.set("held_out_error", device.held_out_error)
      .set("held_out_elasticity_error", device.held_out_elasticity_error);
}

}  // namespace hotexpert
