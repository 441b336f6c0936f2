// Preloaded (LD_PRELOAD) into a program whose files are to fail: counts the calls that write below
// one folder, logs them, and ends or fails one of them.
//
//   HOTEXPERT_FAULTS_DIR   the folder; calls on other files are not counted
//   HOTEXPERT_FAULTS_LOG   where calls are logged: "NAME PATH PATH2 BYTES\n", then BYTES bytes that
//                          were written and "\n"; only calls that succeeded
//   HOTEXPERT_FAULTS_AT    which call, from 1
//   HOTEXPERT_FAULTS_KIND  kill: SIGKILL before it · torn: SIGKILL after half of a write · short:
//   half
//                          of a write · ENOSPC, EIO, EINTR: it fails with that error
//   HOTEXPERT_FAULTS_ALWAYS  the calls after it, too (a disk that stays full)
//
// Counted: open (for writing or of a folder), write, pwrite, writev, fsync, fdatasync, ftruncate,
// close, rename, mkdir. Single-threaded use: the counter is not ordered between threads.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kMaxFiles = 1024;

struct Settings {
  std::string dir;
  std::string kind;
  int log = -1;
  long at = 0;
  bool always = false;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const Settings& settings() {
  static const Settings read = [] {
    Settings made{variable("HOTEXPERT_FAULTS_DIR"), variable("HOTEXPERT_FAULTS_KIND"), -1,
                  std::atol(variable("HOTEXPERT_FAULTS_AT").c_str()),
                  !variable("HOTEXPERT_FAULTS_ALWAYS").empty()};
    const std::string log = variable("HOTEXPERT_FAULTS_LOG");
    if (!log.empty()) {
      made.log = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, log.c_str(),
                                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    }
    return made;
  }();
  return read;
}

std::atomic<long> g_calls{0};

/// The path of each open file below the folder, by descriptor.
std::string& path_at(int fd) {
  static std::array<std::string, kMaxFiles> paths;
  return paths[static_cast<std::size_t>(fd)];
}

bool is_below(const std::string& path) {
  return !settings().dir.empty() && path.rfind(settings().dir, 0) == 0;
}

std::string path_of(int fd) { return fd >= 0 && fd < kMaxFiles ? path_at(fd) : ""; }

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));  // NOLINT: what dlsym is for
}

void log_call(const char* name, const std::string& path, const std::string& path2,
              const void* bytes, std::size_t count) {
  if (settings().log < 0) return;
  std::string line = std::string(name) + " " + path + " " + path2 + " " + std::to_string(count);
  line += "\n";
  line.append(static_cast<const char*>(bytes), count);
  line += "\n";
  (void)!::syscall(SYS_write, settings().log, line.data(), line.size());
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  ::_exit(127);  // not reached
}

enum class Fault { kNone, kFail, kShort, kTorn };

/// Counts a call and says what becomes of it; errno is set for kFail.
Fault next_fault(bool is_write) {
  const long call = ++g_calls;
  const Settings& set = settings();
  if (set.at == 0 || (set.always ? call < set.at : call != set.at)) return Fault::kNone;
  if (set.kind == "kill") die();
  if (set.kind == "torn" || set.kind == "short") {
    if (is_write) return set.kind == "torn" ? Fault::kTorn : Fault::kShort;
    return Fault::kNone;
  }
  errno = set.kind == "ENOSPC" ? ENOSPC : set.kind == "EINTR" ? EINTR : EIO;
  return Fault::kFail;
}

/// A write of `count` bytes by `write`, which takes how many of them.
template <class Write>
ssize_t faulty_write(const char* name, int fd, const void* bytes, std::size_t count, Write write) {
  const std::string path = path_of(fd);
  if (path.empty()) return write(count);
  const Fault fault = next_fault(true);
  if (fault == Fault::kFail) return -1;
  const bool half = fault != Fault::kNone && count > 1;
  const ssize_t written = write(half ? count / 2 : count);
  if (fault == Fault::kTorn) die();
  if (written > 0) log_call(name, path, "", bytes, static_cast<std::size_t>(written));
  return written;
}

template <class Call>
int faulty_call(const char* name, int fd, Call call) {
  const std::string path = path_of(fd);
  if (path.empty()) return call();
  if (next_fault(false) == Fault::kFail) return -1;
  const int result = call();
  if (result == 0) log_call(name, path, "", "", 0);
  return result;
}

int faulty_open(const char* path, int flags, mode_t mode) {
  using Open = int (*)(const char*, int, ...);
  static const auto real_open = real<Open>("open");
  const bool counted = is_below(path) &&
                       ((flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 || (flags & O_DIRECTORY) != 0);
  if (!counted) return real_open(path, flags, mode);
  if (next_fault(false) == Fault::kFail) return -1;
  struct stat before {};
  const bool existed = ::stat(path, &before) == 0;
  const int fd = real_open(path, flags, mode);
  if (fd < 0 || fd >= kMaxFiles) return fd;
  path_at(fd) = path;
  log_call(existed ? "open" : "create", path, "", "", 0);
  return fd;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = static_cast<mode_t>((flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0U);
  va_end(rest);
  return faulty_open(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = static_cast<mode_t>((flags & O_CREAT) != 0 ? va_arg(rest, unsigned) : 0U);
  va_end(rest);
  return faulty_open(path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  using Write = ssize_t (*)(int, const void*, size_t);
  static const auto real_write = real<Write>("write");
  return faulty_write("write", fd, bytes, count,
                      [&](std::size_t n) { return real_write(fd, bytes, n); });
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  using Pwrite = ssize_t (*)(int, const void*, size_t, off_t);
  static const auto real_pwrite = real<Pwrite>("pwrite");
  return faulty_write("pwrite", fd, bytes, count,
                      [&](std::size_t n) { return real_pwrite(fd, bytes, n, offset); });
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  using Writev = ssize_t (*)(int, const struct iovec*, int);
  static const auto real_writev = real<Writev>("writev");
  const std::string path = path_of(fd);
  if (path.empty()) return real_writev(fd, parts, count);
  const Fault fault = next_fault(true);
  if (fault == Fault::kFail) return -1;
  const ssize_t written = real_writev(fd, parts, fault == Fault::kNone ? count : (count + 1) / 2);
  if (fault == Fault::kTorn) die();
  return written;
}

int fsync(int fd) {
  static const auto real_fsync = real<int (*)(int)>("fsync");
  return faulty_call("fsync", fd, [&] { return real_fsync(fd); });
}

int fdatasync(int fd) {
  static const auto real_fdatasync = real<int (*)(int)>("fdatasync");
  return faulty_call("fsync", fd, [&] { return real_fdatasync(fd); });
}

int ftruncate(int fd, off_t length) {
  static const auto real_ftruncate = real<int (*)(int, off_t)>("ftruncate");
  const std::string path = path_of(fd);
  if (path.empty()) return real_ftruncate(fd, length);
  if (next_fault(false) == Fault::kFail) return -1;
  const int result = real_ftruncate(fd, length);
  if (result == 0) log_call("ftruncate", path, std::to_string(length), "", 0);
  return result;
}

int close(int fd) {
  static const auto real_close = real<int (*)(int)>("close");
  const int result = faulty_call("close", fd, [&] { return real_close(fd); });
  if (fd >= 0 && fd < kMaxFiles) {
    // A failed close has closed all the same (man 2 close).
    if (result != 0 && !path_of(fd).empty()) (void)::syscall(SYS_close, fd);
    path_at(fd).clear();
  }
  return result;
}

int rename(const char* from, const char* to) {
  static const auto real_rename = real<int (*)(const char*, const char*)>("rename");
  if (!is_below(to)) return real_rename(from, to);
  if (next_fault(false) == Fault::kFail) return -1;
  const int result = real_rename(from, to);
  if (result == 0) log_call("rename", from, to, "", 0);
  return result;
}

int mkdir(const char* path, mode_t mode) {
  static const auto real_mkdir = real<int (*)(const char*, mode_t)>("mkdir");
  if (!is_below(path)) return real_mkdir(path, mode);
  if (next_fault(false) == Fault::kFail) return -1;
  const int result = real_mkdir(path, mode);
  if (result == 0) log_call("mkdir", path, "", "", 0);
  return result;
}

int unlink(const char* path) {
  static const auto real_unlink = real<int (*)(const char*)>("unlink");
  const int result = real_unlink(path);
  if (result == 0 && is_below(path)) log_call("unlink", path, "", "", 0);
  return result;
}

}  // extern "C"
