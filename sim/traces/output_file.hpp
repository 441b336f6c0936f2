#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace hotexpert {

/// A file that appears whole or not at all: written beside its place as PATH.partial, renamed by
/// finish(), removed when it is abandoned.
class OutputFile {
 public:
  /// @throws OutputError naming the path, here and below
  explicit OutputFile(std::string path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::string_view bytes);
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::string path_;
  std::string partial_;
  std::FILE* file_ = nullptr;
};

}  // namespace hotexpert
