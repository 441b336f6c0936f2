#include "tests/fuzz/support/input_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace hotexpert::fuzz {

InputFile::InputFile(std::string_view bytes) : file_(::memfd_create("input", 0)) {
  if (file_ < 0) std::abort();
  while (!bytes.empty()) {
    const auto wrote = ::write(file_, bytes.data(), bytes.size());
    if (wrote <= 0) std::abort();
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

InputFile::~InputFile() { ::close(file_); }

}  // namespace hotexpert::fuzz
