#pragma once

#include <sys/types.h>

#include <cstddef>
#include <new>
#include <optional>
#include <string>
#include <string_view>

namespace hotexpert {

/// The system calls that files are written with: a seam for tests, which make the n-th call fail.
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

/// An open file that closes itself. Calls that a signal interrupts are made again. Move-only.
class File {
 public:
  /// @throws OutputError naming the path, the cause and the remedy, here and below
  File(FileOps& ops, std::string path, int flags);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /// As the constructor, but a failure is nullopt and errno.
  static std::optional<File> try_open(FileOps& ops, const std::string& path, int flags);

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void write(std::string_view bytes);  ///< all of them
  void sync();                         ///< until they are on disk
  void truncate(off_t length);

 private:
  File(FileOps& ops, std::string path, int flags, std::nothrow_t);
  FileOps* ops_;
  std::string path_;
  int fd_;
};

/// Says which file could not be `action` ("written", "locked"), why, and what to do.
/// @throws OutputError always
[[noreturn]] void throw_output_error(const std::string& path, std::string_view action, int error);

/// A file that did not exist, or that replaces what was there: never written through a link.
/// @throws OutputError
File make_file(FileOps& ops, const std::string& path);

/// Replaces `to` in one step. Durable after sync_folder() of its folder.   @throws OutputError
void rename_file(FileOps& ops, const std::string& from, const std::string& to);

/// Makes a folder and its missing parents, and its name durable.  @return true if `path` itself was
/// made
/// @throws OutputError
bool make_folders(FileOps& ops, const std::string& path);

/// Makes the names inside a folder durable, where one may read it.  @throws OutputError
void sync_folder(FileOps& ops, const std::string& path);

/// "a/b" -> "a", "b" -> ".".
std::string parent_folder(const std::string& path);

}  // namespace hotexpert
