#pragma once

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace hotexpert::testing_files {

/// Writes trace files byte by byte, independently of the readers under test.

/// A folder of its own for one test, removed at its end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hotexpert-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An .npy file with this header dictionary, padded as NumPy pads it.
inline std::string npy_with_header(std::string dictionary, const std::string& data,
                                   char version = 1) {
  const std::size_t fixed = version == 1 ? 10 : 12;
  dictionary += ' ';
  while ((fixed + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  auto length = static_cast<unsigned>(dictionary.size());
  for (std::size_t i = 0; i < (version == 1 ? 2U : 4U); ++i, length >>= 8) {
    out += static_cast<char>(length & 0xffU);
  }
  return out + dictionary + data;
}

/// @param descr "<i4"   @param shape "(2, 1, 3)"
template <class T>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<T>& values,
                char version = 1) {
  return npy_with_header(
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }",
      bytes_of(values), version);
}

/// A .safetensors file with this JSON header.
inline std::string safetensors(const std::string& header, const std::string& data) {
  std::string out;
  for (std::size_t i = 0, length = header.size(); i < 8; ++i, length >>= 8) {
    out += static_cast<char>(length & 0xffU);
  }
  return out + header + data;
}

}  // namespace hotexpert::testing_files
