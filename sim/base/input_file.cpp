#include "sim/base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;

[[noreturn]] void refuse(const std::string& path, const char* action, int error) {
  throw InputError(
      fmt::format("{}: cannot be {} ({})", path, action, std::generic_category().message(error)));
}

/// Reads on from `file` until it ends or `bytes` are there; the errno of a failure, or 0.
int read_up_to(int file, std::size_t bytes, std::string& text) {
  while (text.size() < bytes) {
    const std::size_t size = text.size();
    const std::size_t wanted = std::min(kChunk, bytes - size);
    text.resize(size + wanted);
    const ssize_t got = ::read(file, text.data() + size, wanted);
    const int error = errno;
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
  return 0;
}

}  // namespace

std::string read_beginning(const std::string& path, std::size_t bytes) {
  if (path.find('\0') != path.npos) {
    throw InputError(
        fmt::format("{}: cannot be opened (a zero byte is behind this in the name)", path.c_str()));
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) refuse(path, "opened", errno);
  std::string text;
  const int error = read_up_to(file, bytes, text);
  ::close(file);
  if (error != 0) refuse(path, "read", error);
  return text;
}

std::string read_whole_file(const std::string& path, std::size_t most_bytes) {
  std::string text = read_beginning(path, most_bytes + 1);
  if (text.size() > most_bytes) {
    throw InputError(fmt::format("{}: is longer than the {} MiB that are read of such a file", path,
                                 most_bytes >> 20));
  }
  return text;
}

}  // namespace hotexpert
