#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/base/file_ops.hpp"
#include "sim/base/json.hpp"
#include "sim/core/point_result.hpp"

// A run folder:
//   manifest.json  {"schema":"hotexpert-run/1","title":"…","program":{…},
//                   "created":"2026-01-31T12:00:00Z","scenario":{axis: [values]},
//                   "axes":[{"name","label","unit"}],"seed":1,"environment":{…}}
//                  and, after a resume, "resumed":[{"created","program","environment"}]
//   points.jsonl   one line a point (to_json of sim/core/point_result.hpp), ending in
//                  "crc32":"1a2b3c4d"
//   artifacts/<n>/<metric>.npy   series of more than 4,096 values of the point in line n (from 1)
//   lock           held (flock) by the one process that writes, whose number and machine it names;
//                  it means nothing after that process ended
// A draft has its manifest as manifest.json.tmp and is no run folder until it is published.

namespace hotexpert {

inline constexpr std::size_t kMaxInlineValues = 4096;

/// Appends finished points to a run folder, each safe on disk before append() returns.
/// Not for several threads at once.
class RunWriter {
 public:
  /// Starts a run in `dir`, made with its parents if missing.
  /// @throws UsageError if the folder exists and is not empty, or another process writes to it
  /// @throws InputError if the manifest lacks a key
  /// @throws OutputError if it cannot be written
  static RunWriter create(const std::string& dir, const Json& manifest,
                          FileOps& ops = system_files());

  /// Goes on with the run in `dir`; starts one where there is none. A torn last line is cut off.
  /// What may differ from the first sitting (created, program, environment) is noted in the
  /// manifest under "resumed".
  /// @throws UsageError naming each key of the scenario that differs, or if another process writes
  static RunWriter resume(const std::string& dir, const Json& manifest,
                          FileOps& ops = system_files());

  /// Starts a run that appears whole or not at all: nobody can read it before publish(). What an
  /// interrupted draft left in `dir` is replaced.   @throws as create
  static RunWriter draft(const std::string& dir, const Json& manifest,
                         FileOps& ops = system_files());

  RunWriter(RunWriter&&) noexcept;
  RunWriter& operator=(RunWriter&&) noexcept;
  ~RunWriter();

  /// True when the point is finished: ok or skipped. A failed point runs again.
  [[nodiscard]] bool has(const Point& point) const;

  /// Writes the point's large series, then its line, each fsynced. The last line of a point counts.
  /// After an OutputError the writer is still usable: the half-written line is cut off first.
  /// @throws OutputError
  void append(const PointResult& result);

  /// Makes a draft the run of its folder.   @throws OutputError
  void publish();

 private:
  struct State;
  explicit RunWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// `error` with the advice to go on with --resume, which finds every finished point.
OutputError resumable(const OutputError& error);

/// A run as read back.
struct Run {
  std::string dir;
  Json manifest;
  std::vector<PointResult> points;    ///< in the order they were first written
  std::vector<std::string> warnings;  ///< lines left out, and why
  std::size_t damaged_lines = 0;      ///< whole lines whose checksum does not fit
};

/// Reads a run folder, also one that is being written. A damaged line is left out with a warning
/// and hides no other; of several lines of one point the last counts. Unknown fields are ignored.
/// @throws InputError if `dir` is not a run folder, or its schema is newer than this program's
Run read_run(const std::string& dir);

/// The values of a series of a run in `dir`, from its line or its file.
/// @throws InputError if the file is missing, damaged, or lies outside the run folder
std::vector<double> series_values(const std::string& dir, const Series& series);

/// Canonical text of a point, independent of axis order and of how a number was written (2, 2.0).
std::string point_key(const Point& point);

}  // namespace hotexpert
