#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/file_ops.hpp"

namespace hotexpert {

/// A file that appears whole or not at all: written beside its place as PATH.tmp, fsynced and
/// renamed by finish(), removed when it is abandoned. A reader sees the old file or the new one.
/// Of two writers of one path the second is refused; what a killed writer left is replaced. A path
/// that names a device or a pipe (/dev/stdout) is written to as it is.
class OutputFile {
 public:
  /// @throws OutputError naming the path, the cause and the remedy, here and below
  explicit OutputFile(std::string path, FileOps& ops = system_files());
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::string_view bytes);
  void finish();

 private:
  void flush();

  FileOps* ops_;
  std::string path_;
  std::string temporary_;  ///< empty where nothing is to be renamed
  std::optional<File> file_;
  std::string buffer_;
};

/// An OutputFile of `bytes`.  @throws OutputError
void write_file(FileOps& ops, const std::string& path, std::string_view bytes);

}  // namespace hotexpert
