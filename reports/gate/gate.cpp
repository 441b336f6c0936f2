#include "reports/gate/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <unordered_map>

#include "reports/gate/rank_tests.hpp"
#include "reports/number_format.hpp"
#include "reports/text_escape.hpp"
#include "sim/base/errors.hpp"
#include "sim/core/metric_catalogue.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxNamedPoints = 5;

std::string point_text(const Point& point) {
  std::string text;
  for (const auto& [axis, value] : point)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", visible_text(axis),
                        visible_text(value.is_string() ? value.as_string() : value.dump()));
  return text;
}

void refuse_other_machine(const Run& base, const Run& now, const GateOptions& options,
                          GateResult& result) {
  const auto differences =
      machine_differences(base.manifest.at("environment"), now.manifest.at("environment"));
  if (differences.empty()) return;
  const std::string what = fmt::format("{}", fmt::join(differences, "; "));
  if (!options.across_machines) {
    throw UsageError(fmt::format(
        "{} and {} come from different machines ({}); times of different machines do not "
        "compare. --across-machines compares them nevertheless",
        base.dir, now.dir, what));
  }
  result.notes.push_back(fmt::format("The machines differ: {}.", what));
}

bool measured_in_turn(const Run& base, const Run& now) {
  const Json* a = base.manifest.find("interleaving");
  const Json* b = now.manifest.find("interleaving");
  return a != nullptr && b != nullptr && a->is_string() && *a == *b && !a->as_string().empty();
}

std::vector<double> costs_of(const Measurement& measurement) {
  const auto* row = find_metric(measurement.metric);
  const bool more_is_better = row != nullptr && row->better == Better::kHigher;
  std::vector<double> costs = measurement.samples;
  for (double& cost : costs) cost = more_is_better ? 1 / cost : cost;
  const bool positive = std::all_of(costs.begin(), costs.end(), [](double c) { return c > 0; });
  return positive ? costs : std::vector<double>{};
}

void note_unpaired(const std::vector<std::string>& names, const char* where, GateResult& result) {
  if (names.empty()) return;
  const std::size_t shown = std::min(names.size(), kMaxNamedPoints);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(shown));
  result.notes.push_back(fmt::format("{} {} only in {}: {}{}.", names.size(),
                                     names.size() == 1 ? "point is" : "points are", where,
                                     fmt::join(first, "; "), shown < names.size() ? "; …" : ""));
}

void collect_pairs(const Run& base, const Run& now, GateResult& result) {
  std::unordered_map<std::string, const PointResult*> partner;
  for (const auto& point : now.points) partner.emplace(point_key(point.point), &point);
  const bool in_turn = measured_in_turn(base, now);
  std::vector<std::string> only_base;
  for (const auto& point : base.points) {
    const auto found = partner.find(point_key(point.point));
    if (found == partner.end()) {
      only_base.push_back(point_text(point.point));
      continue;
    }
    const PointResult& other = *found->second;
    partner.erase(found);
    if (point.outcome == Outcome::kOk && other.outcome == Outcome::kFailed) {
      result.regressions.push_back(
          fmt::format("{} failed: {}", point_text(point.point), visible_text(other.reason)));
      continue;
    }
    const auto* before = point.find(result.options.metric);
    const auto* after = other.find(result.options.metric);
    if (before == nullptr || after == nullptr) continue;
    ComparedPair pair = compare_samples(costs_of(*before), costs_of(*after), in_turn);
    pair.point = point.point;
    pair.base = before->value;
    pair.now = after->value;
    if (const auto* skew = point.find("load.max_over_mean")) pair.skew = skew->value;
    result.pairs.push_back(std::move(pair));
  }
  note_unpaired(only_base, "the base", result);
  std::vector<std::string> only_now;
  for (const auto& point : now.points) {
    if (partner.count(point_key(point.point)) != 0) only_now.push_back(point_text(point.point));
  }
  note_unpaired(only_now, "the new run", result);
}

/// Geometric mean of the pairs' ratios; the interval joins theirs as independent errors.
SkewGroup mean_of(double skew, const std::vector<const ComparedPair*>& pairs) {
  double sum = 0;
  double down = 0;
  double up = 0;
  for (const auto* pair : pairs) {
    const double center = std::log(pair->ratio);
    sum += center;
    down += std::pow(center - std::log(pair->ci95.low), 2);
    up += std::pow(std::log(pair->ci95.high) - center, 2);
  }
  const auto count = static_cast<double>(pairs.size());
  const double center = sum / count;
  return {skew, pairs.size(), std::exp(center),
          Interval{std::exp(center - std::sqrt(down) / count),
                   std::exp(center + std::sqrt(up) / count)}};
}

void summarise(GateResult& result) {
  std::map<double, std::vector<const ComparedPair*>> by_skew;
  std::vector<const ComparedPair*> all;
  for (const auto& pair : result.pairs) {
    if (pair.test == PairTest::kNone) continue;
    by_skew[std::round(pair.skew * 2) / 2].push_back(&pair);
    all.push_back(&pair);
  }
  for (const auto& [skew, pairs] : by_skew) result.groups.push_back(mean_of(skew, pairs));
  if (!all.empty()) result.ratio = mean_of(0, all).ratio;
}

void find_regressions(GateResult& result) {
  if (!result.options.fail_on) return;
  const double limit = 1 + *result.options.fail_on;
  for (const auto& pair : result.pairs) {
    if (pair.verdict == PairVerdict::kSlower && pair.ratio > limit)
      result.regressions.push_back(
          fmt::format("{} is {} as slow", point_text(pair.point), times(pair.ratio, pair.ci95)));
  }
  for (const auto& group : result.groups) {
    if (group.ratio > limit && group.ci95.low > limit)
      result.regressions.push_back(
          fmt::format("at max/mean load {} the geometric mean of {} points is {}",
                      significant(group.skew), group.pairs, times(group.ratio, group.ci95)));
  }
}

}  // namespace

std::string_view name(PairVerdict verdict) {
  constexpr std::array<std::string_view, 4> names = {"FASTER", "SLOWER", "SAME", "UNCLEAR"};
  return names[static_cast<std::size_t>(verdict)];
}

std::string_view name(PairTest test) {
  constexpr std::array<std::string_view, 3> names = {"too few samples", "signed rank, in turn",
                                                     "Mann-Whitney"};
  return names[static_cast<std::size_t>(test)];
}

std::vector<double> adjust_p_values(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p_values[a] > p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double smallest = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto rank = static_cast<double>(order.size() - i);
    smallest = std::min(smallest, p_values[order[i]] * static_cast<double>(order.size()) / rank);
    adjusted[order[i]] = smallest;
  }
  return adjusted;
}

ComparedPair compare_samples(std::span<const double> base, std::span<const double> now,
                             bool paired) {
  ComparedPair pair;
  if (base.size() < kMinGateSamples || now.size() < kMinGateSamples) return pair;
  const auto logarithms = [](std::span<const double> values) {
    std::vector<double> out;
    for (const double value : values) out.push_back(std::log(value));
    return out;
  };
  const auto before = logarithms(base);
  const auto after = logarithms(now);
  RankTest test;
  if (paired && before.size() == after.size()) {
    std::vector<double> differences(before.size());
    for (std::size_t i = 0; i < before.size(); ++i) differences[i] = after[i] - before[i];
    test = signed_rank(differences);
    pair.test = PairTest::kSignedRank;
  } else {
    test = mann_whitney(before, after);
    pair.test = PairTest::kMannWhitney;
  }
  pair.p_value = test.p_value;
  pair.ratio = std::exp(test.shift);
  pair.ci95 = {std::exp(test.ci95.low), std::exp(test.ci95.high)};
  return pair;
}

void judge(std::vector<ComparedPair>& pairs, const GateOptions& options) {
  std::vector<double> p_values;
  for (const auto& pair : pairs) {
    if (pair.test != PairTest::kNone) p_values.push_back(pair.p_value);
  }
  const auto adjusted = adjust_p_values(p_values);
  std::size_t next = 0;
  const double limit = 1 + options.threshold;
  for (auto& pair : pairs) {
    if (pair.test == PairTest::kNone) continue;
    pair.adjusted_p = adjusted[next++];
    const bool differs = pair.adjusted_p <= options.false_discovery_rate;
    if (differs && pair.ratio > limit) {
      pair.verdict = PairVerdict::kSlower;
    } else if (differs && pair.ratio < 1 / limit) {
      pair.verdict = PairVerdict::kFaster;
    } else if (pair.ci95.low >= 1 / limit && pair.ci95.high <= limit) {
      pair.verdict = PairVerdict::kSame;
    }
  }
}

GateResult compare_runs(const Run& base, const Run& now, const GateOptions& options) {
  GateResult result;
  result.options = options;
  refuse_other_machine(base, now, options, result);
  collect_pairs(base, now, result);
  if (result.pairs.empty() && result.regressions.empty()) {
    throw UsageError(
        fmt::format("{} and {} have no point in common that has {}; compare runs of one "
                    "scenario",
                    base.dir, now.dir, options.metric));
  }
  judge(result.pairs, options);
  summarise(result);
  find_regressions(result);
  return result;
}

}  // namespace hotexpert
