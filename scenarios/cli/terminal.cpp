#include "scenarios/cli/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

std::atomic<int> g_signal{0};

extern "C" void on_signal(int signal) {
  g_signal.store(signal);
  std::signal(signal, SIG_DFL);
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

bool colour() {
  const char* no_color = std::getenv("NO_COLOR");
  return stderr_is_terminal() && (no_color == nullptr || no_color[0] == '\0');
}

void line(std::string_view style, std::string_view label, std::string_view message) {
  const std::string text = printable(message);
  if (colour()) {
    fmt::print(stderr, "hotexpert: \x1b[{}m{}\x1b[0m{}\n", style, label, text);
  } else {
    fmt::print(stderr, "hotexpert: {}{}\n", label, text);
  }
}

}  // namespace

void write_stdout(std::string_view text) {
  std::string shown;
  if (isatty(STDOUT_FILENO) == 1) {
    shown = printable(text, "\n\r\t");
    text = shown;
  }
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw OutputError(
          fmt::format("standard output could not be written: {}", std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string printable(std::string_view text, std::string_view kept) {
  std::string out;
  int following = 0;  // bytes that the character still has
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool follows = following > 0 && (byte & 0xC0U) == 0x80U;
    // C1 controls arrive as bytes 80 … 9F of their own, or in UTF-8 as C2 80 … C2 9F.
    const bool c1 = byte >= 0x80 && byte < 0xA0 && (!follows || out.back() == '\xC2');
    const bool c0 = (byte < 0x20 || byte == 0x7F) && kept.find(c) == kept.npos;
    if (c1 && follows) out.pop_back();
    out += c0 || c1 ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    following = follows        ? following - 1
                : byte >= 0xF0 ? 3
                : byte >= 0xE0 ? 2
                : byte >= 0xC2 ? 1
                               : 0;
  }
  return out;
}

void warn(std::string_view message) { line("33", "warning: ", message); }
void note(std::string_view message) { line("2", "", message); }

Progress::Progress(std::int64_t total)
    : total_(total), enabled_(stderr_is_terminal()), start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(std::int64_t done, std::string_view what) {
  show(done, total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 0, what);
}

void Progress::show(std::int64_t done, double share, std::string_view what) {
  if (!enabled_) return;
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::string left =
      share > 0 ? fmt::format(", {} left", duration_text(elapsed * (1 - share) / share)) : "";
  fmt::print(stderr, "\r\x1b[K[{}/{}{}] {}", done, total_, left, printable(what).substr(0, 100));
  std::fflush(stderr);
  shown_ = true;
}

std::string duration_text(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f}ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

void catch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of write(), with its code
}

int caught_signal() { return g_signal.load(); }

}  // namespace hotexpert
