#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "reports/checksum.hpp"
#include "reports/manifest.hpp"
#include "reports/npy.hpp"
#include "reports/run_lines.hpp"
#include "reports/run_store.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"
#include "sim/base/slug.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kDraftManifest = "manifest.json.tmp";
constexpr std::string_view kLines = "points.jsonl";
constexpr std::string_view kArtifacts = "artifacts";
constexpr std::string_view kLock = "lock";

std::string in(const std::string& dir, std::string_view name) {
  return fmt::format("{}/{}", dir, name);
}

/// Nothing of the user's is in the folder: it is absent, empty, or holds only what a creation or a
/// draft that was interrupted left, which has no manifest yet.
bool is_free(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(dir, error)) return true;
  const bool draft = fs::exists(in(dir, kDraftManifest), error);
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const auto name = entry.path().filename().string();
    const bool of_draft = draft && (name == kLines || name == kArtifacts);
    if (name != kLock && name != kDraftManifest && !of_draft) return false;
  }
  return !error;
}

/// Removes what an interrupted draft left; the manifest, which marks it as one, last.
void clear_draft(const std::string& dir) {
  std::error_code ignored;
  fs::remove_all(in(dir, kArtifacts), ignored);
  fs::remove(in(dir, kLines), ignored);
  fs::remove(in(dir, kDraftManifest), ignored);
}

/// "4711 on host", for whoever finds the lock taken.
std::string this_process() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0) return fmt::format("{}", ::getpid());
  return fmt::format("{} on {}", ::getpid(), host);
}

std::string holder_of(int lock) {
  char text[320] = {};
  const ssize_t length = ::pread(lock, text, sizeof text, 0);
  const std::string_view all(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  const auto end = all.find('\n');
  return end == 0 || end == std::string_view::npos ? std::string()
                                                   : fmt::format(" ({})", all.substr(0, end));
}

File take_lock(FileOps& ops, const std::string& dir) {
  File lock(ops, in(dir, kLock), O_RDWR | O_CREAT | O_NOFOLLOW);
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw_output_error(lock.path(), "locked", errno);
    throw UsageError(fmt::format(
        "{}: another process{} is writing to this run folder; wait for it, or give another folder "
        "with -o",
        dir, holder_of(lock.fd())));
  }
  const std::string holder = this_process() + "\n";
  (void)!::pwrite(lock.fd(), holder.data(), holder.size(), 0);  // a courtesy, no more
  return lock;
}

/// Takes the lock of a folder that is free, made with its parents if missing, and clears it.
File take_free_folder(FileOps& ops, const std::string& dir, std::string_view remedy) {
  const auto refuse_taken = [&] {
    if (!is_free(dir))
      throw UsageError(fmt::format("{}: this folder is not empty; {}", dir, remedy));
  };
  refuse_taken();
  make_folders(ops, dir);
  File lock = take_lock(ops, dir);
  refuse_taken();  // another process may have been quicker
  clear_draft(dir);
  return lock;
}

/// The highest number of a line or an artifact, also where damage joined lines: what an
/// acknowledged point wrote is never written over.
std::size_t highest_number(const RunLines& found) {
  std::size_t last = found.num_lines;
  for (const auto& point : found.points) {
    for (const auto& series : point.series) {
      const auto name = std::string_view(series.file);
      if (name.rfind("artifacts/", 0) != 0) continue;
      std::size_t number = 0;
      std::from_chars(name.data() + kArtifacts.size() + 1, name.data() + name.size(), number);
      last = std::max(last, number);
    }
  }
  return last;
}

/// The file of a metric's series; metrics whose names differ have different files.
std::string file_name(const std::string& metric) {
  const std::string name = slug(metric);
  return name == metric ? name + ".npy" : fmt::format("{}-{:08x}.npy", name, crc32(metric));
}

}  // namespace

struct RunWriter::State {
  FileOps* ops;
  std::string dir;
  File lock;
  File lines;
  off_t size = 0;               // bytes of whole, fsynced lines
  bool torn = false;            // bytes after `size` may exist
  std::size_t last_number = 0;  // of lines, damaged ones too, and of artifacts
  bool is_draft = false;
  std::set<std::string> finished;

  static std::unique_ptr<State> resumed(const std::string& dir, const Json& manifest, FileOps& ops);
  void append(const PointResult& result);

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
RunWriter& RunWriter::operator=(RunWriter&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

RunWriter::~RunWriter() {
  if (state_ && state_->is_draft) clear_draft(state_->dir);
}

RunWriter RunWriter::create(const std::string& dir, const Json& manifest, FileOps& ops) {
  validate_manifest(manifest, "the new run's manifest");
  try {
    File lock = take_free_folder(ops, dir,
                                 "go on with the run in it with --resume, or give another folder "
                                 "with -o");
    write_file(ops, in(dir, kManifest), manifest.dump(2) + "\n");
    File lines(ops, in(dir, kLines), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW);
    sync_folder(ops, dir);
    return RunWriter(std::make_unique<State>(
        State{&ops, dir, std::move(lock), std::move(lines), 0, false, 0, false, {}}));
  } catch (const OutputError& error) {
    throw resumable(error);
  }
}

RunWriter RunWriter::draft(const std::string& dir, const Json& manifest, FileOps& ops) {
  validate_manifest(manifest, "the new run's manifest");
  File lock = take_free_folder(ops, dir, "give another folder with -o");
  try {
    File hidden = make_file(ops, in(dir, kDraftManifest));
    hidden.write(manifest.dump(2) + "\n");
    hidden.sync();
    File lines = make_file(ops, in(dir, kLines));
    sync_folder(ops, dir);
    return RunWriter(std::make_unique<State>(
        State{&ops, dir, std::move(lock), std::move(lines), 0, false, 0, true, {}}));
  } catch (const OutputError&) {
    clear_draft(dir);
    throw;
  }
}

void RunWriter::publish() {
  State& run = *state_;
  rename_file(*run.ops, in(run.dir, kDraftManifest), in(run.dir, kManifest));
  run.is_draft = false;
  sync_folder(*run.ops, run.dir);
}

RunWriter RunWriter::resume(const std::string& dir, const Json& manifest, FileOps& ops) {
  if (is_free(dir)) return create(dir, manifest, ops);
  validate_manifest(manifest, "the resumed run's manifest");
  try {
    return RunWriter(State::resumed(dir, manifest, ops));
  } catch (const OutputError& error) {
    throw resumable(error);
  }
}

std::unique_ptr<RunWriter::State> RunWriter::State::resumed(const std::string& dir,
                                                            const Json& manifest, FileOps& ops) {
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
  write_file(ops, in(dir, kManifest), merged.dump(2) + "\n");

  File lines(ops, in(dir, kLines), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW);
  lines.truncate(found.whole_bytes);
  lines.sync();  // a killed process may have written a line and not come to this
  sync_folder(ops, dir);
  auto state = std::make_unique<State>(State{&ops,
                                             dir,
                                             std::move(lock),
                                             std::move(lines),
                                             found.whole_bytes,
                                             false,
                                             highest_number(found),
                                             false,
                                             {}});
  for (const auto& result : found.points) state->note(result);
  return state;
}

OutputError resumable(const OutputError& error) {
  return OutputError(fmt::format(
      "{}. Finished points are safe: go on with the same command and --resume.", error.what()));
}

bool RunWriter::has(const Point& point) const {
  return state_->finished.count(point_key(point)) != 0;
}

void RunWriter::append(const PointResult& result) {
  try {
    state_->append(result);
  } catch (const OutputError& error) {
    if (state_->is_draft) throw;
    throw resumable(error);
  }
}

void RunWriter::State::append(const PointResult& result) {
  PointResult stored = result;
  const std::string folder = fmt::format("{}/{}", kArtifacts, last_number + 1);
  bool wrote_files = false;
  for (auto& series : stored.series) {
    if (series.values.size() <= kMaxInlineValues) continue;
    make_folders(*ops, in(dir, folder));
    series.file = folder + "/" + file_name(series.metric);
    File file = make_file(*ops, in(dir, series.file));
    file.write(npy_bytes(series.shape, series.values));
    file.sync();
    series.values.clear();
    wrote_files = true;
  }
  if (wrote_files) sync_folder(*ops, in(dir, folder));

  const std::string line = checked_line(to_json(stored)) + "\n";
  if (torn) lines.truncate(size);
  torn = true;
  try {
    lines.write(line);
    lines.sync();
  } catch (const OutputError&) {
    cut_torn_line();
    throw;
  }
  torn = false;
  size += static_cast<off_t>(line.size());
  ++last_number;
  note(stored);
}

}  // namespace hotexpert
