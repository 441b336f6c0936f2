#include "tests/support/limited_child.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <new>
#include <stdexcept>

namespace hotexpert::testing_support {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

struct Sizes {
  std::uint64_t address_space = 0;
  std::uint64_t resident = 0;
};

Sizes own_sizes() {
  std::ifstream in("/proc/self/statm");
  Sizes sizes;
  in >> sizes.address_space >> sizes.resident;
  return {sizes.address_space * page_bytes(), sizes.resident * page_bytes()};
}

/// VmHWM: getrusage would count the parent's peak too.
std::uint64_t peak_resident() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

[[noreturn]] void child(int out, std::uint64_t more_bytes,
                        const std::function<std::string()>& work) {
  ::malloc_trim(0);  // work() must not live on pages that the parent has freed and kept
  const Sizes before = own_sizes();
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins here
  if (!kSanitized) {
    const rlimit limit{before.address_space + more_bytes, before.address_space + more_bytes};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) ::_exit(9);
  }
  std::string answer;
  try {
    answer = work();
  } catch (const std::bad_alloc&) {
    answer = "out of memory";
  } catch (const std::exception& error) {
    answer = error.what();
  }
  const auto peak =
      static_cast<std::int64_t>(peak_resident()) - static_cast<std::int64_t>(before.resident);
  answer = std::to_string(peak) + "\n" + answer;
  for (std::size_t at = 0; at < answer.size();) {
    const auto wrote = ::write(out, answer.data() + at, answer.size() - at);
    if (wrote <= 0) ::_exit(8);
    at += static_cast<std::size_t>(wrote);
  }
  ::_exit(0);
}

}  // namespace

bool runs_at_full_speed() { return !kSanitized; }

LimitedResult run_limited(std::uint64_t more_bytes, const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("no child process");
  if (pid == 0) {
    ::close(ends[0]);
    child(ends[1], more_bytes, work);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  const double processor_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  if (WIFSIGNALED(status)) return {"killed by signal " + std::to_string(WTERMSIG(status)), 0, 0};
  const auto end = text.find('\n');
  if (WEXITSTATUS(status) != 0 || end == std::string::npos) {
    return {"exit code " + std::to_string(WEXITSTATUS(status)), 0, 0};
  }
  return {text.substr(end + 1), std::stoll(text.substr(0, end)), processor_s};
}

}  // namespace hotexpert::testing_support
