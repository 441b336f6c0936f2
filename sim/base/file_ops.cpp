#include "sim/base/file_ops.hpp"

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
    case EFBIG:
      return "raise the limit of file sizes (ulimit -f)";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder you may write to with -o";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENOENT:
      return "make its folder first";
    case EISDIR:
      return "it is a folder; give a file's name";
    case ELOOP:
      return "it is a symbolic link; remove it";
    default:
      return "check the disk, or choose another folder with -o";
  }
}

/// Makes a call again as long as a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// As make_folders, but a folder that exists is left alone.
bool make_missing(FileOps& ops, const std::string& path) {
  if (std::filesystem::is_directory(path)) return false;
  const std::string parent = parent_folder(path);
  if (parent != path) make_missing(ops, parent);
  if (uninterrupted([&] { return ops.mkdir(path.c_str(), 0777); }) == 0) {
    sync_folder(ops, parent);
    return true;
  }
  const int error = errno;
  if (error == EEXIST && std::filesystem::is_directory(path)) return false;
  throw_output_error(path, "made", error);
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

void throw_output_error(const std::string& path, std::string_view action, int error) {
  throw OutputError(fmt::format("{}: could not be {}: {}; {}", path, action,
                                std::generic_category().message(error), remedy(error)));
}

File::File(FileOps& ops, std::string path, int flags, std::nothrow_t)
    : ops_(&ops),
      path_(std::move(path)),
      fd_(uninterrupted([&] { return ops.open(path_.c_str(), flags | O_CLOEXEC, 0666); })) {}

File::File(FileOps& ops, std::string path, int flags)
    : File(ops, std::move(path), flags, std::nothrow) {
  if (fd_ < 0) throw_output_error(path_, "opened for writing", errno);
}

std::optional<File> File::try_open(FileOps& ops, const std::string& path, int flags) {
  File file(ops, path, flags, std::nothrow);
  if (file.fd_ < 0) return std::nullopt;
  return file;
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
    const ssize_t written =
        uninterrupted([&] { return ops_->write(fd_, bytes.data(), bytes.size()); });
    if (written < 0) throw_output_error(path_, "written", errno);
    if (written == 0) throw_output_error(path_, "written", ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void File::sync() {
  // Folders on some file systems, pipes and devices answer EINVAL: there is nothing to wait for.
  if (uninterrupted([&] { return ops_->fsync(fd_); }) != 0 && errno != EINVAL)
    throw_output_error(path_, "written to the disk", errno);
}

void File::truncate(off_t length) {
  if (uninterrupted([&] { return ops_->ftruncate(fd_, length); }) != 0)
    throw_output_error(path_, "cut to its last whole line", errno);
}

File make_file(FileOps& ops, const std::string& path) {
  ::unlink(path.c_str());
  return {ops, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW};
}

void rename_file(FileOps& ops, const std::string& from, const std::string& to) {
  if (uninterrupted([&] { return ops.rename(from.c_str(), to.c_str()); }) != 0)
    throw_output_error(to, "put in place", errno);
}

bool make_folders(FileOps& ops, const std::string& path) {
  const bool made = make_missing(ops, path);
  // A process that was killed may have made the folder and not come to this.
  if (!made) sync_folder(ops, parent_folder(path));
  return made;
}

void sync_folder(FileOps& ops, const std::string& path) {
  auto folder = File::try_open(ops, path, O_RDONLY | O_DIRECTORY);
  if (folder) {
    folder->sync();
  } else if (errno != EACCES) {  // one that may be written to and not read cannot be waited for
    throw_output_error(path, "opened", errno);
  }
}

std::string parent_folder(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace hotexpert
