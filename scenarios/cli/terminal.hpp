#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hotexpert {

/// Writes to stdout and checks that it arrived. On a terminal control characters other than line
/// ends and tabs are shown, not sent (printable). @throws OutputError (full disk, closed pipe)
void write_stdout(std::string_view text);

/// `text` with control characters (escape codes among them) shown as \xNN, so that names cannot
/// drive a terminal. @param kept control characters that stay
std::string printable(std::string_view text, std::string_view kept = "");

/// One plain line on stderr: "hotexpert: warning: ...", coloured on a terminal unless NO_COLOR is
/// set.
void warn(std::string_view message);
void note(std::string_view message);

/// A line on stderr that follows a long piece of work: done, total, what, and the time left. Only
/// on a terminal.
class Progress {
 public:
  explicit Progress(std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(std::int64_t done, std::string_view what);
  /// For work that is finer than its points. @param share of the work that is done, in [0, 1]
  void show(std::int64_t done, double share, std::string_view what);

 private:
  std::int64_t total_;
  bool enabled_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
};

/// "1m20s", "3.2s", "450ms".
std::string duration_text(double seconds);

/// Ctrl-C and SIGTERM set a flag, so that finished points stay safe; the second one ends at once.
void catch_signals();
/// The signal that was caught, or 0.
int caught_signal();

}  // namespace hotexpert
