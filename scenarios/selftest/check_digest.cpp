#include <fmt/format.h>

#include "scenarios/runner/sweep.hpp"
#include "scenarios/selftest/self_check.hpp"

namespace hotexpert {
namespace {

/// FNV-1a of 64 bits over the lines of results: equal digests, equal bytes.
std::uint64_t digest_of(const std::vector<PointResult>& points) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const auto& point : points) {
    for (const char c : to_json(point).dump()) {
      hash ^= static_cast<unsigned char>(c);
      hash *= 0x100000001b3U;
    }
  }
  return hash;
}

Scenario digest_scenario() {
  Scenario scenario;
  scenario.title = "digest";
  scenario.set("seed", "1,2", "");
  scenario.set("layer.experts", "8,64", "");
  scenario.set("layer.top_k", "2,4", "");
  scenario.set("step.tokens", "257", "");
  scenario.set("step.count", "3", "");
  scenario.set("skew.layers", "2", "");
  scenario.set("skew.model", "uniform,zipf:exponent=1.1,gaussian:sigma=0.5,hot:experts=1,lognormal",
               "");
  scenario.set("capacity.factor", "none,1,1.25", "");
  scenario.set("capacity.policy", "probs", "");
  scenario.set("backend", "none", "");
  return scenario;
}

std::uint64_t digest_with(int threads) {
  SweepOptions options;
  options.threads = threads;
  return digest_of(plan_points(digest_scenario(), options));
}

}  // namespace

std::vector<SelfCheckAnswer> check_digest() {
  const std::uint64_t one = digest_with(1);
  std::vector<SelfCheckAnswer> answers;
  for (const int threads : {1, 2, 3, 8}) {
    const std::uint64_t digest = threads == 1 ? one : digest_with(threads);
    answers.push_back({.what = fmt::format("digest with {} threads", threads),
                       .found = digest == one ? 1.0 : 0.0,
                       .expected = 1,
                       .note = fmt::format("{:016x}", digest)});
  }
  return answers;
}

}  // namespace hotexpert
