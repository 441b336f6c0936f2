#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hotexpert {

/// The system calls that results are written with: a seam for tests, which make the n-th call fail.
/// Each member behaves as the call of its name (-1 and errno on failure).
class FileOps {
 public:
  virtual ~FileOps() = default;
  virtual int open(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int fd, const void* bytes, std::size_t count);
  virtual int fsync(int fd);
  virtual int ftruncate(int fd, off_t length);
  virtual int close(int fd);
  virtual int rename(const char* from, const char* to);
  virtual int mkdir(const char* path, mode_t mode);
};

/// The real system calls.
FileOps& system_files();

/// An open file that closes itself. Move-only.
class File {
 public:
  /// @throws OutputError naming the path and the cause
  File(FileOps& ops, std::string path, int flags);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void write(std::string_view bytes);  ///< all of them.        @throws OutputError
  void sync();                         ///< until they are on disk.  @throws OutputError
  void truncate(off_t length);         ///< @throws OutputError

 private:
  FileOps* ops_;
  std::string path_;
  int fd_;
};

/// Makes a folder and its missing parents.  @return true if `path` itself was made
/// @throws OutputError
bool make_folders(FileOps& ops, const std::string& path);

/// Makes the names inside a folder durable.  @throws OutputError
void sync_folder(FileOps& ops, const std::string& path);

/// Replaces a file in one step: written beside it as PATH.tmp, fsynced, renamed, folder fsynced.
/// A reader sees the old file or the new one, never half of one.  @throws OutputError
void write_file(FileOps& ops, const std::string& path, std::string_view bytes);

}  // namespace hotexpert
