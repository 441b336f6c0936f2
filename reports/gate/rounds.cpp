#include "reports/gate/rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

const std::string& created(const Run& run) { return run.manifest.at("created").as_string(); }

/// Adds a later round of the same point to the first.
void join(PointResult& first, const PointResult& later) {
  if (later.outcome != Outcome::kOk && first.outcome != Outcome::kFailed) {
    first.outcome = later.outcome;
    first.reason = later.reason;
  }
  for (auto& measurement : first.measurements) {
    const auto* found = later.find(measurement.metric);
    if (found == nullptr || found->samples.empty() || measurement.samples.empty()) {
      measurement.samples.clear();
    } else {
      measurement.samples.push_back(median(found->samples));
    }
  }
}

void start(PointResult& point) {
  for (auto& measurement : point.measurements) {
    if (!measurement.samples.empty()) measurement.samples = {median(measurement.samples)};
  }
}

void finish(PointResult& point) {
  for (auto& measurement : point.measurements) {
    if (measurement.samples.empty()) continue;
    measurement.value = median(measurement.samples);
    measurement.ci95 = median_interval(measurement.samples);
  }
}

}  // namespace

Run pool_rounds(std::vector<Run> rounds) {
  Run pooled = std::move(rounds.front());
  if (rounds.size() == 1) return pooled;
  std::map<std::string, std::size_t> seen;
  for (auto& point : pooled.points) {
    start(point);
    seen[point_key(point.point)] = 1;
  }
  for (std::size_t round = 1; round < rounds.size(); ++round) {
    std::map<std::string, const PointResult*> later;
    for (const auto& point : rounds[round].points) later.emplace(point_key(point.point), &point);
    for (auto& point : pooled.points) {
      const auto found = later.find(point_key(point.point));
      if (found == later.end()) continue;
      join(point, *found->second);
      ++seen[found->first];
    }
  }
  std::erase_if(pooled.points, [&](const auto& point) {
    return seen.at(point_key(point.point)) != rounds.size();
  });
  for (auto& point : pooled.points) finish(point);
  return pooled;
}

std::vector<Run> read_rounds(const std::string& dir) {
  std::vector<Run> rounds;
  for (int round = 1; !fs::exists(dir + "/manifest.json"); ++round) {
    const std::string path = fmt::format("{}/{}", dir, round);
    if (!fs::exists(path + "/manifest.json")) break;
    rounds.push_back(read_run(path));
  }
  if (rounds.empty()) rounds.push_back(read_run(dir));
  return rounds;
}

bool measured_in_turn(const std::vector<Run>& base, const std::vector<Run>& now) {
  if (base.size() != now.size() || base.size() < 2) return false;
  for (std::size_t i = 1; i < base.size(); ++i) {
    const auto& before = std::max(created(base[i - 1]), created(now[i - 1]));
    if (created(base[i]) < before || created(now[i]) < before) return false;
  }
  return true;
}

std::pair<Run, Run> read_sides(const std::string& base_dir, const std::string& new_dir) {
  auto base = read_rounds(base_dir);
  auto now = read_rounds(new_dir);
  const bool in_turn = measured_in_turn(base, now);
  const std::string mark = fmt::format("{} rounds in turn", base.size());
  std::pair<Run, Run> sides{pool_rounds(std::move(base)), pool_rounds(std::move(now))};
  sides.first.dir = base_dir;
  sides.second.dir = new_dir;
  if (in_turn) {
    sides.first.manifest.set("interleaving", mark);
    sides.second.manifest.set("interleaving", mark);
  }
  return sides;
}

}  // namespace hotexpert
