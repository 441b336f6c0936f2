#include "reports/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "reports/manifest.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

std::int64_t shard_number(const Run& run, const char* key) {
  const Json* shard = run.manifest.find("shard");
  if (shard == nullptr)
    throw InputError(
        fmt::format("{}: this run is no shard (a sweep with --shard makes one)", run.dir));
  return shard->at(key).as_integer();
}

std::size_t unfinished(const Run& run) {
  const auto finished = static_cast<std::size_t>(
      std::count_if(run.points.begin(), run.points.end(),
                    [](const auto& point) { return point.outcome != Outcome::kFailed; }));
  const auto wanted = static_cast<std::size_t>(shard_number(run, "points"));
  return wanted - std::min(wanted, finished);
}

void check_against_first(const Run& first, const Run& run, std::vector<std::string>& out) {
  for (const auto& difference : scenario_differences(first.manifest, run.manifest))
    out.push_back(fmt::format("{} and {}: other scenarios: {}", first.dir, run.dir, difference));
  if (shard_number(first, "count") != shard_number(run, "count")) {
    out.push_back(fmt::format("{} is one of {} shards, {} one of {}", first.dir,
                              shard_number(first, "count"), run.dir, shard_number(run, "count")));
  }
}

}  // namespace

std::vector<std::string> shard_folders(const std::vector<std::string>& dirs) {
  std::vector<std::string> folders;
  for (const auto& dir : dirs) {
    if (fs::exists(fs::path(dir) / "manifest.json")) {
      folders.push_back(dir);
      continue;
    }
    std::error_code error;
    std::vector<std::string> inside;
    for (const auto& entry : fs::directory_iterator(dir, error)) {
      if (entry.path().filename().string().rfind("shard-", 0) == 0 &&
          fs::exists(entry.path() / "manifest.json"))
        inside.push_back(entry.path().string());
    }
    if (inside.empty()) {
      throw InputError(
          fmt::format("{}: neither a run folder nor a folder of shards (shard-0-of-4, ...)", dir));
    }
    std::sort(inside.begin(), inside.end());
    folders.insert(folders.end(), inside.begin(), inside.end());
  }
  return folders;
}

std::vector<std::string> incomplete_shards(const std::vector<Run>& shards) {
  std::vector<std::string> out;
  if (shards.empty()) return {"there is no shard"};
  std::map<std::int64_t, const Run*> by_index;
  for (const auto& run : shards) {
    check_against_first(shards.front(), run, out);
    const auto [other, is_new] = by_index.emplace(shard_number(run, "index"), &run);
    if (!is_new)
      out.push_back(
          fmt::format("{} and {} are both shard {}", other->second->dir, run.dir, other->first));
    if (const auto missing = unfinished(run); missing > 0) {
      out.push_back(fmt::format("{}: {} of {} points are not finished (go on with --resume)",
                                run.dir, missing, shard_number(run, "points")));
    }
  }
  const auto count = shard_number(shards.front(), "count");
  std::vector<std::int64_t> absent;
  for (std::int64_t index = 0; index < count; ++index) {
    if (by_index.count(index) == 0) absent.push_back(index);
  }
  if (!absent.empty()) {
    out.push_back(fmt::format("shard{} {} of {} {} missing", absent.size() == 1 ? "" : "s",
                              fmt::join(absent, ", "), count, absent.size() == 1 ? "is" : "are"));
  }
  return out;
}

std::size_t write_merged(const std::vector<Run>& shards, const std::string& dir, FileOps& ops) {
  std::vector<const Run*> ordered;
  for (const auto& run : shards) ordered.push_back(&run);
  std::sort(ordered.begin(), ordered.end(), [](const Run* a, const Run* b) {
    return shard_number(*a, "index") < shard_number(*b, "index");
  });
  Json manifest = Json::object();
  for (const auto& [key, value] : ordered.front()->manifest.as_object()) {
    if (key != "shard") manifest.set(key, value);
  }
  Json environments = Json::array();
  for (const auto* run : ordered) environments.push(run->manifest.at("environment"));
  manifest.set("shards", Json::object()
                             .set("count", static_cast<std::int64_t>(ordered.size()))
                             .set("environments", std::move(environments)));
  RunWriter writer = RunWriter::draft(dir, manifest, ops);
  std::size_t written = 0;
  for (const auto* run : ordered) {
    for (PointResult point : run->points) {
      for (auto& series : point.series) {
        series.values = series_values(run->dir, series);
        series.file.clear();
      }
      writer.append(point);
      ++written;
    }
  }
  writer.publish();
  return written;
}

}  // namespace hotexpert
