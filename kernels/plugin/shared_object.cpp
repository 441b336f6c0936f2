#include "kernels/plugin/shared_object.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace hotexpert {
namespace {

#if defined(__x86_64__)
constexpr int kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr int kMachine = EM_AARCH64;
#else
constexpr int kMachine = EM_NONE;  // the loader decides
#endif

constexpr const char* kHowToBuild = "build it with `cc -O2 -shared -fPIC -I FOLDER_OF_THE_HEADER`";

/// Reads a struct at a place of the file. @return false when the file ends before it
template <class Part>
bool read_at(std::ifstream& in, std::uint64_t place, Part& part) {
  in.clear();
  in.seekg(static_cast<std::streamoff>(place));
  in.read(reinterpret_cast<char*>(&part), sizeof(part));
  return in.gcount() == static_cast<std::streamsize>(sizeof(part));
}

}  // namespace

std::string shared_object_fault(const std::string& path) {
  std::error_code status;
  if (!std::filesystem::exists(path, status)) return "there is no such file";
  if (!std::filesystem::is_regular_file(path, status)) return "it is no file";
  std::ifstream in(path, std::ios::binary);
  if (!in) return fmt::format("it cannot be read ({})", std::strerror(errno));
  const std::uint64_t bytes = std::filesystem::file_size(path, status);
  Elf64_Ehdr header{};
  if (!read_at(in, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN)
    return fmt::format("it is no shared object; {}", kHowToBuild);
  if (kMachine != EM_NONE && header.e_machine != kMachine)
    return fmt::format("it was built for another processor (ELF machine {}, here {})",
                       header.e_machine, kMachine);
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const bool whole = header.e_phentsize == sizeof(segment) &&
                       read_at(in, header.e_phoff + i * sizeof(segment), segment) &&
                       segment.p_offset <= bytes && segment.p_filesz <= bytes - segment.p_offset;
    if (!whole) return "the file is cut off or damaged; copy or build it again";
  }
  return "";
}

FoundSymbol find_symbol(const std::string& path, const char* symbol) {
  if (auto fault = shared_object_fault(path); !fault.empty()) return {nullptr, std::move(fault)};
  const std::string place = path.find('/') == std::string::npos ? "./" + path : path;
  void* handle = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return {nullptr, fmt::format("the system cannot load it: {}", dlerror())};
  void* address = dlsym(handle, symbol);
  if (address == nullptr) {
    dlclose(handle);
    return {nullptr, fmt::format("it does not export {}(); define it as hotexpert_plugin.h says, "
                                 "in C++ inside extern \"C\"",
                                 symbol)};
  }
  return {address, ""};
}

}  // namespace hotexpert
