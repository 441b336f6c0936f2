#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "reports/checksum.hpp"
#include "reports/manifest.hpp"
#include "reports/npy.hpp"
#include "reports/run_lines.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

/// Nothing of the user's is in the folder: it is absent, empty, or holds only what a creation that
/// failed midway left.
bool is_free(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(dir, error)) return true;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const auto name = entry.path().filename();
    if (name != "lock" && name != "manifest.json.tmp") return false;
  }
  return !error;
}

File take_lock(FileOps& ops, const std::string& dir) {
  File lock(ops, dir + "/lock", O_RDWR | O_CREAT);
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    throw UsageError(fmt::format(
        "{}: another process is writing to this run folder; wait for it, or give another folder "
        "with -o",
        dir));
  }
  return lock;
}

std::string file_name(const std::string& metric) {
  std::string name = metric;
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || (c == '.' && &c != name.data());
    if (!plain) c = '_';
  }
  return name + ".npy";
}

}  // namespace

struct RunWriter::State {
  FileOps* ops;
  std::string dir;
  File lock;
  File lines;
  off_t size = 0;             // bytes of whole, fsynced lines
  bool torn = false;          // bytes after `size` may exist
  std::size_t num_lines = 0;  // with damaged ones: numbers the artifacts
  std::set<std::string> finished;

  /// Leaves whole lines behind where the disk still lets it; else the next append() tries again.
  void cut_torn_line() {
    try {
      lines.truncate(size);
      torn = false;
    } catch (const OutputError&) {  // NOLINT: the first failure is the one to tell
    }
  }

  void note(const PointResult& result) {
    const std::string key = point_key(result.point);
    if (result.outcome == Outcome::kFailed) {
      finished.erase(key);
    } else {
      finished.insert(key);
    }
  }
};

RunWriter::RunWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;
RunWriter::~RunWriter() = default;

RunWriter RunWriter::create(const std::string& dir, const Json& manifest, FileOps& ops) {
  validate_manifest(manifest, "the new run's manifest");
  const auto refuse_taken = [&dir] {
    if (!is_free(dir))
      throw UsageError(
          fmt::format("{}: this folder is not empty; go on with the run in it with --resume, or "
                      "give another folder with -o",
                      dir));
  };
  refuse_taken();
  make_folders(ops, dir);
  File lock = take_lock(ops, dir);
  refuse_taken();  // another process may have been quicker
  write_file(ops, dir + "/manifest.json", manifest.dump(2) + "\n");
  File lines(ops, dir + "/points.jsonl", O_WRONLY | O_CREAT | O_APPEND);
  sync_folder(ops, dir);
  return RunWriter(std::make_unique<State>(
      State{&ops, dir, std::move(lock), std::move(lines), 0, false, 0, {}}));
}

RunWriter RunWriter::resume(const std::string& dir, const Json& manifest, FileOps& ops) {
  if (is_free(dir)) return create(dir, manifest, ops);
  validate_manifest(manifest, "the resumed run's manifest");
  File lock = take_lock(ops, dir);
  const RunLines found = read_run_lines(dir);
  auto differences = scenario_differences(found.manifest, manifest);
  const auto shard = [](const Json& of) {
    return of.find("shard") ? of.at("shard").dump() : "none";
  };
  if (shard(found.manifest) != shard(manifest)) {
    differences.push_back(
        fmt::format("shard was {}, is now {}", shard(found.manifest), shard(manifest)));
  }
  if (!differences.empty()) {
    throw UsageError(
        fmt::format("{}: this run has another scenario: {}. Resume with the scenario it was "
                    "started with, or give another folder with -o",
                    dir, fmt::join(differences, "; ")));
  }
  Json merged = found.manifest;
  Json sittings = merged.find("resumed") != nullptr ? merged.at("resumed") : Json::array();
  Json sitting;
  for (const char* key : {"created", "program", "environment"}) sitting.set(key, manifest.at(key));
  merged.set("resumed", sittings.push(std::move(sitting)));
  write_file(ops, dir + "/manifest.json", merged.dump(2) + "\n");

  File lines(ops, dir + "/points.jsonl", O_WRONLY | O_CREAT | O_APPEND);
  sync_folder(ops, dir);
  auto state = std::make_unique<State>(State{
      &ops, dir, std::move(lock), std::move(lines), found.whole_bytes, true, found.num_lines, {}});
  for (const auto& result : found.points) state->note(result);
  return RunWriter(std::move(state));
}

bool RunWriter::has(const Point& point) const {
  return state_->finished.count(point_key(point)) != 0;
}

void RunWriter::append(const PointResult& result) {
  State& run = *state_;
  PointResult stored = result;
  const std::string folder = fmt::format("artifacts/{}", run.num_lines + 1);
  bool wrote_files = false;
  for (auto& series : stored.series) {
    if (series.values.size() <= kMaxInlineValues) continue;
    make_folders(*run.ops, run.dir + "/" + folder);
    series.file = folder + "/" + file_name(series.metric);
    File file(*run.ops, run.dir + "/" + series.file, O_WRONLY | O_CREAT | O_TRUNC);
    file.write(npy_bytes(series.shape, series.values));
    file.sync();
    series.values.clear();
    wrote_files = true;
  }
  if (wrote_files) sync_folder(*run.ops, run.dir + "/" + folder);

  const std::string line = checked_line(to_json(stored)) + "\n";
  if (run.torn) run.lines.truncate(run.size);
  run.torn = true;
  try {
    run.lines.write(line);
    run.lines.sync();
  } catch (const OutputError&) {
    run.cut_torn_line();
    throw;
  }
  run.torn = false;
  run.size += static_cast<off_t>(line.size());
  ++run.num_lines;
  run.note(stored);
}

}  // namespace hotexpert
