#include "sim/base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

/// True while `file` is what its path names: nobody renamed or removed it.
bool is_at_its_path(const File& file) {
  struct stat open {};
  struct stat named {};
  return ::fstat(file.fd(), &open) == 0 && ::lstat(file.path().c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/// A new file at `path`, held by this process alone (flock). Only its holder renames or removes it,
/// so that a file without a holder is what a killed process left.
/// @throws OutputError if another process holds it
File claim(FileOps& ops, const std::string& path) {
  constexpr int kAttempts = 100;  // each lost to a process that finished in between
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const bool left = ::access(path.c_str(), F_OK) == 0;
    auto file = File::try_open(ops, path, O_WRONLY | O_NOFOLLOW | (left ? 0 : O_CREAT | O_EXCL));
    if (!file) {
      if (errno == (left ? ENOENT : EEXIST)) continue;
      throw_output_error(path, "opened for writing", errno);
    }
    if (::flock(file->fd(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) break;
    if (!is_at_its_path(*file)) continue;
    if (!left) return std::move(*file);
    ::unlink(path.c_str());
  }
  throw OutputError(
      fmt::format("{}: another process is writing this file; wait for it, or give another name "
                  "with -o",
                  path));
}

}  // namespace

OutputFile::OutputFile(std::string path, FileOps& ops) : ops_(&ops), path_(std::move(path)) {
  struct stat there {};
  const bool exists = ::stat(path_.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode)) throw_output_error(path_, "opened for writing", EISDIR);
  if (exists && !S_ISREG(there.st_mode)) {
    file_.emplace(ops, path_, O_WRONLY | O_NOCTTY);
    return;
  }
  temporary_ = path_ + ".tmp";
  file_.emplace(claim(ops, temporary_));
}

OutputFile::~OutputFile() {
  // Half of a file helps nobody, and takes what may be scarce.
  if (file_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() > kBufferBytes) {
    file_->write(bytes);
  } else {
    buffer_ += bytes;
  }
}

void OutputFile::flush() {
  file_->write(buffer_);
  buffer_.clear();
}

void OutputFile::finish() {
  flush();
  file_->sync();
  if (!temporary_.empty()) {
    rename_file(*ops_, temporary_, path_);
    temporary_.clear();
    sync_folder(*ops_, parent_folder(path_));
  }
  file_.reset();
}

void write_file(FileOps& ops, const std::string& path, std::string_view bytes) {
  OutputFile file(path, ops);
  file.write(bytes);
  file.finish();
}

}  // namespace hotexpert
