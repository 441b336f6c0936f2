#include "sim/traces/skew_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/base/registry.hpp"
#include "sim/metrics/load_metrics.hpp"

namespace hotexpert {
namespace {

using Load = std::span<const std::int64_t>;

/// Dropped share of the assignments at capacity ceil(kT/E * factor).
double dropped(Load load, std::int64_t assignments, const Decimal& factor) {
  const std::int64_t capacity =
      ceil_product(assignments, factor, static_cast<std::int64_t>(load.size()));
  std::int64_t over = 0;
  for (const auto c : load) over += std::max(std::int64_t{0}, c - capacity);
  return static_cast<double>(over) / static_cast<double>(assignments);
}

struct TargetRow {
  std::string_view name;
  double (*value)(Load load, std::int64_t assignments, const TargetRequest& request);
};

constexpr std::array kTargets = {
    TargetRow{"max_over_mean",
              [](Load load, std::int64_t, const TargetRequest&) { return max_over_mean(load); }},
    TargetRow{"max_vio",
              [](Load load, std::int64_t, const TargetRequest&) { return max_vio(load); }},
    TargetRow{"cv", [](Load load, std::int64_t, const TargetRequest&) { return load_cv(load); }},
    TargetRow{"gini",
              [](Load load, std::int64_t, const TargetRequest&) { return load_gini(load); }},
    TargetRow{"effective_experts", [](Load load, std::int64_t,
                                      const TargetRequest&) { return effective_experts(load); }},
    TargetRow{"drop",
              [](Load load, std::int64_t assignments, const TargetRequest& request) {
                return dropped(load, assignments, request.capacity_factor);
              }},
};

double six_digits(double value) { return parse_double(fmt::format("{:.6g}", value), "parameter"); }

}  // namespace

TargetRequest TargetRequest::parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    throw UsageError(fmt::format(
        "skew.target: '{}' has no value (write max_over_mean=4, or drop@1.25=0.1)", text));
  }
  TargetRequest request;
  request.text = std::string(text);
  std::string_view metric = text.substr(0, equals);
  const auto at = metric.find('@');
  const bool has_factor = at != std::string_view::npos;
  if (has_factor) {
    request.capacity_factor = Decimal::parse(metric.substr(at + 1));
    metric = metric.substr(0, at);
  }
  request.metric = std::string(find_row(kTargets, "skew.target metric", metric).name);
  if (has_factor != (request.metric == "drop") ||
      (has_factor && request.capacity_factor.sign() <= 0)) {
    throw UsageError(fmt::format(
        "skew.target: '{}': a capacity factor > 0 goes with drop, and only there (drop@1.25=0.1)",
        text));
  }
  request.wanted = parse_double(text.substr(equals + 1), "skew.target");
  if (!std::isfinite(request.wanted) || request.wanted < 0) {
    throw UsageError(fmt::format("skew.target: '{}': the wanted value must be >= 0", text));
  }
  return request;
}

std::string TargetRequest::label() const {
  return metric == "drop" ? fmt::format("drop@{}", capacity_factor.to_string()) : metric;
}

double target_metric(const RoutingTrace& trace, const TargetRequest& request) {
  constexpr std::int64_t kAssignments = 2'000'000;
  const auto& info = trace.info();
  const auto& row = find_row(kTargets, "skew.target metric", request.metric);
  const std::int64_t batches = info.steps * info.layers;
  BatchBuffer buffer;
  std::vector<std::int64_t> load(static_cast<std::size_t>(info.num_experts));
  double sum = 0;
  std::int64_t looked_at = 0;
  std::int64_t wanted_batches = 1;
  while (looked_at < wanted_batches) {
    const std::int64_t index = batches * looked_at / wanted_batches;
    const auto batch =
        trace.read(index / info.layers, static_cast<int>(index % info.layers), buffer);
    if (looked_at == 0) {
      wanted_batches = std::clamp(kAssignments / batch.assignments(), std::int64_t{1}, batches);
    }
    std::fill(load.begin(), load.end(), 0);
    count_load(batch, load);
    sum += row.value(load, batch.assignments(), request);
    ++looked_at;
  }
  return sum / static_cast<double>(looked_at);
}

TargetSearch search_target(const TargetRequest& request, double even, double skewed,
                           const std::function<std::unique_ptr<RoutingTrace>(double)>& make) {
  TargetSearch best;
  double best_error = std::numeric_limits<double>::infinity();
  const auto evaluate = [&](double value) {
    const double parameter = six_digits(value);
    const double achieved = target_metric(*make(parameter), request);
    const double error = std::abs(achieved - request.wanted);
    if (error < best_error) {
      best = {parameter, achieved};
      best_error = error;
    }
    return achieved;
  };
  const double at_even = evaluate(even);
  const double at_skewed = evaluate(skewed);
  const bool rises = at_skewed >= at_even;
  const auto between = [&](double at) {
    return request.wanted >= std::min(at, at_skewed) && request.wanted <= std::max(at, at_skewed);
  };
  bool reachable = between(at_even);
  // The range's lower end need not be the evenest: hot experts with no share at all are dead ones.
  constexpr int kSteps = 16;
  for (int i = 1; !reachable && i < kSteps; ++i) {
    const double value = even + (skewed - even) * i / kSteps;
    if (!between(evaluate(value))) continue;
    reachable = true;
    even = value;
  }
  constexpr int kHalvings = 40;  // of the range: past the six digits that are kept
  for (int i = 0; reachable && best_error > 0 && i < kHalvings; ++i) {
    const double middle = even + (skewed - even) / 2;
    const bool too_skewed = (evaluate(middle) > request.wanted) == rises;
    (too_skewed ? skewed : even) = middle;
  }
  return best;
}

}  // namespace hotexpert
