#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hotexpert::fuzz {

/// Bytes as a file in memory: readers that map or seek get a path.
class InputFile {
 public:
  explicit InputFile(std::string_view bytes);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace hotexpert::fuzz
