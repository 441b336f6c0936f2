#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "scenarios/selftest/self_check.hpp"
#include "sim/base/statistics.hpp"
#include "sim/metrics/binomial.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/metrics/max_load.hpp"
#include "sim/model/node_tokens.hpp"
#include "sim/placement/eplb.hpp"
#include "sim/routing/plan_dispatch.hpp"
#include "sim/traces/skew/reinforcement.hpp"
#include "sim/traces/synthetic_trace.hpp"

namespace hotexpert {
namespace {

constexpr double kStandardErrors = 5;

SelfCheckAnswer within_error(std::string what, const std::vector<double>& samples,
                             double expected) {
  const double error = std::sqrt(variance(samples) / static_cast<double>(samples.size()));
  return {.what = std::move(what),
          .found = mean(samples),
          .expected = expected,
          .tolerance = kStandardErrors * error,
          .note = "tolerance: 5 standard errors"};
}

SyntheticSpec uniform_router(int num_experts, int top_k, std::int64_t tokens, std::int64_t steps) {
  SyntheticSpec spec;
  spec.num_experts = num_experts;
  spec.top_k = top_k;
  spec.tokens = tokens;
  spec.steps = steps;
  spec.weights = false;
  return spec;
}

/// The loads [E] of each step of a trace of one layer.
std::vector<std::vector<std::int64_t>> loads_of(const SyntheticSpec& spec) {
  const auto trace = make_synthetic_trace(spec);
  BatchBuffer buffer;
  std::vector<std::vector<std::int64_t>> loads;
  for (std::int64_t step = 0; step < spec.steps; ++step) {
    loads.emplace_back(static_cast<std::size_t>(spec.num_experts), 0);
    count_load(trace->read(step, 0, buffer), loads.back());
  }
  return loads;
}

SelfCheckAnswer check_max_load() {
  std::vector<double> largest;
  for (const auto& load : loads_of(uniform_router(16, 1, 256, 400)))
    largest.push_back(static_cast<double>(*std::ranges::max_element(load)));
  return within_error("largest load, E = 16, k = 1, T = 256, against its exact expectation",
                      largest, expected_max_load(256, 16));
}

/// Ranks that a token's k experts live on: of R ranks with E/R experts each, uniform choice of k
/// distinct experts misses one with probability C(E - E/R, k) / C(E, k).
SelfCheckAnswer check_destination_ranks() {
  constexpr int kRanks = 8;
  const auto spec = uniform_router(64, 4, 512, 100);
  const int elsewhere = spec.num_experts - spec.num_experts / kRanks;
  double missed = 1;
  for (int i = 0; i < spec.top_k; ++i)
    missed *= (elsewhere - i) / static_cast<double>(spec.num_experts - i);
  const auto trace = make_synthetic_trace(spec);
  const auto placement = ExpertPlacement::contiguous(spec.num_experts, kRanks);
  std::vector<double> ranks;
  BatchBuffer buffer;
  const std::vector<std::int32_t> source(static_cast<std::size_t>(spec.tokens), 0);
  for (std::int64_t step = 0; step < spec.steps; ++step) {
    const auto plan = plan_dispatch(trace->read(step, 0, buffer), placement, {});
    const auto tokens = count_node_tokens(plan, 1, source);  // a node a rank
    ranks.push_back(static_cast<double>(std::reduce(tokens.begin(), tokens.end())) /
                    static_cast<double>(spec.tokens));
  }
  return within_error("distinct destination ranks a token, E = 64, k = 4, R = 8", ranks,
                      kRanks * (1 - missed));
}

/// Balance turns unstable where growth = decay * temperature * E: found by bisection on whether a
/// small deviation grows.
double threshold_found(int experts, double decay, double temperature) {
  const auto grows = [&](double growth) {
    Reinforcement model;
    model.growth = growth;
    model.decay = decay;
    model.temperature = temperature;
    model.score.assign(static_cast<std::size_t>(experts), growth / experts / decay);
    constexpr double kDeviation = 1e-7;
    model.score[0] += kDeviation;
    const auto deviation = [&] { return model.score[0] - model.score[1]; };
    for (int step = 0; step < 500; ++step) model.advance(model.popularity());
    return deviation() > kDeviation;
  };
  double low = 0;
  double high = 4 * decay * temperature * experts;
  for (int halving = 0; halving < 50; ++halving) {
    const double middle = (low + high) / 2;
    (grows(middle) ? high : low) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

std::vector<SelfCheckAnswer> check_binomial_drops() {
  // E[(L - C)+] / (k T / E) of L ~ Bin(T, k/E), summed elsewhere with 50 digits.
  return {{.what = "E = 64, k = 2, T = 4096, C = 128",
           .found = expected_drop_fraction(4096, 64, 2, 128),
           .expected = 0.03468389880997,
           .tolerance = 1e-13},
          {.what = "E = 256, k = 8, T = 1024, C = 32",
           .found = expected_drop_fraction(1024, 256, 8, 32),
           .expected = 0.0692,
           .tolerance = 5e-5}};
}

std::vector<SelfCheckAnswer> check_uniform_router() {
  constexpr std::int64_t capacity = 70;  // a little above the mean of 64
  std::vector<double> dropped;
  std::vector<double> squared_cv;
  for (const auto& load : loads_of(uniform_router(64, 4, 1024, 200))) {
    double over = 0;
    for (const auto count : load)
      over += static_cast<double>(std::max<std::int64_t>(0, count - capacity));
    dropped.push_back(over / (1024.0 * 4));
    squared_cv.push_back(std::pow(load_cv(load), 2));
  }
  return {within_error("sampled drops at C = 70 against the binomial formula", dropped,
                       expected_drop_fraction(1024, 64, 4, capacity)),
          // Var L = T k/E (1 - k/E); over the mean squared: (E - k) / (T k).
          within_error("CV^2 of loads against (E - k) / (T k)", squared_cv, 60.0 / (1024 * 4)),
          check_max_load(), check_destination_ranks()};
}

std::vector<SelfCheckAnswer> check_eplb_reference() {
  // The two layers of the example in the README of `deepseek-ai/EPLB`, with its answer.
  constexpr std::array<std::array<double, 12>, 2> kLoad = {
      {{90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86},
       {20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27}}};
  constexpr std::array<std::array<std::int32_t, 16>, 2> kSlots = {
      {{5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1},
       {7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1}}};
  std::vector<SelfCheckAnswer> answers;
  for (std::size_t layer = 0; layer < kLoad.size(); ++layer) {
    const auto placed = eplb(kLoad[layer], {.ranks = 8, .nodes = 2, .groups = 4, .slots = 16});
    int different = placed.physical_to_logical.size() == kSlots[layer].size() ? 0 : 1;
    for (std::size_t slot = 0; slot < kSlots[layer].size() && different < 16; ++slot)
      different += placed.physical_to_logical[slot] == kSlots[layer][slot] ? 0 : 1;
    answers.push_back({.what = fmt::format("layer {} of EPLB's example: slots that differ", layer),
                       .found = static_cast<double>(different),
                       .note = "12 experts, 16 slots, 8 ranks, 2 nodes, 4 groups"});
  }
  return answers;
}

std::vector<SelfCheckAnswer> check_stability_threshold() {
  std::vector<SelfCheckAnswer> answers;
  struct Case {
    int experts;
    double decay;
    double temperature;
  };
  for (const auto& [experts, decay, temperature] : {Case{2, 0.02, 1}, Case{8, 0.01, 0.5}}) {
    const double expected = decay * temperature * experts;
    answers.push_back({.what = fmt::format(
                           "growth at which balance turns unstable, E = {}, lambda = {}, tau = {}",
                           experts, decay, temperature),
                       .found = threshold_found(experts, decay, temperature),
                       .expected = expected,
                       .tolerance = 1e-3 * expected,
                       .note = "lambda tau E; tolerance 0.1 %"});
  }
  return answers;
}

}  // namespace hotexpert
