#include "sim/base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 30;
constexpr std::size_t kChunk = std::size_t{1} << 16;

[[noreturn]] void refuse(const std::string& path, const char* action, int error) {
  throw InputError(
      fmt::format("{}: cannot be {} ({})", path, action, std::generic_category().message(error)));
}

/// Reads on from `file` until it ends; the errno of a failure, or 0.
int read_all(int file, std::string& text) {
  for (;;) {
    const std::size_t size = text.size();
    if (size > kMostBytes) return EFBIG;
    text.resize(size + kChunk);
    const ssize_t got = ::read(file, text.data() + size, kChunk);
    const int error = errno;
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
}

}  // namespace

std::string read_whole_file(const std::string& path) {
  if (path.find('\0') != path.npos) refuse(path, "opened", EINVAL);  // names of files end at a NUL
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) refuse(path, "opened", errno);
  std::string text;
  const int error = read_all(file, text);
  ::close(file);
  if (error != 0) refuse(path, "read", error);
  return text;
}

}  // namespace hotexpert
