#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace hotexpert {

/// A read-only memory-mapped file.
class MappedFile {
 public:
  /// @throws InputError naming the path if it cannot be opened, is not a regular file, or cannot be
  /// mapped. An empty file maps to no bytes.
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace hotexpert
