#include "reports/file_ops.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

std::string remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder you may write to with -o";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    default:
      return "check the disk, or choose another folder with -o";
  }
}

[[noreturn]] void fail(const std::string& path, const char* action, int error) {
  throw OutputError(fmt::format(
      "{}: could not be {}: {}; {}. Finished points are safe: go on with the same command and "
      "--resume.",
      path, action, std::generic_category().message(error), remedy(error)));
}

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

int FileOps::open(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }
ssize_t FileOps::write(int fd, const void* bytes, std::size_t count) {
  return ::write(fd, bytes, count);
}
int FileOps::fsync(int fd) { return ::fsync(fd); }
int FileOps::ftruncate(int fd, off_t length) { return ::ftruncate(fd, length); }
int FileOps::close(int fd) { return ::close(fd); }
int FileOps::rename(const char* from, const char* to) { return std::rename(from, to); }
int FileOps::mkdir(const char* path, mode_t mode) { return ::mkdir(path, mode); }

FileOps& system_files() {
  static FileOps ops;
  return ops;
}

File::File(FileOps& ops, std::string path, int flags)
    : ops_(&ops), path_(std::move(path)), fd_(ops.open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
  if (fd_ < 0) fail(path_, "opened for writing", errno);
}

File::File(File&& other) noexcept
    : ops_(other.ops_), path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(ops_, other.ops_);
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ops_->close(fd_);
}

void File::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ops_->write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "written", errno);
    if (written == 0) fail(path_, "written", ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void File::sync() {
  // A folder on a file system without fsync for folders answers EINVAL: there is nothing to wait
  // for.
  if (ops_->fsync(fd_) != 0 && errno != EINVAL) fail(path_, "written to the disk", errno);
}

void File::truncate(off_t length) {
  if (ops_->ftruncate(fd_, length) != 0) fail(path_, "cut to its last whole line", errno);
}

bool make_folders(FileOps& ops, const std::string& path) {
  if (std::filesystem::is_directory(path)) return false;
  const std::string parent = parent_of(path);
  if (parent != path) make_folders(ops, parent);
  if (ops.mkdir(path.c_str(), 0777) == 0) {
    sync_folder(ops, parent);
    return true;
  }
  if (errno == EEXIST && std::filesystem::is_directory(path)) return false;
  fail(path, "made", errno);
}

void sync_folder(FileOps& ops, const std::string& path) {
  File(ops, path, O_RDONLY | O_DIRECTORY).sync();
}

void write_file(FileOps& ops, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  try {
    File file(ops, temporary, O_WRONLY | O_CREAT | O_TRUNC);
    file.write(bytes);
    file.sync();
    if (ops.rename(temporary.c_str(), path.c_str()) != 0) fail(path, "put in place", errno);
  } catch (const OutputError&) {
    ::unlink(temporary.c_str());  // half of a file helps nobody, and frees what is scarce
    throw;
  }
  sync_folder(ops, parent_of(path));
}

}  // namespace hotexpert
