#include "tests/fuzz/support/import_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return hotexpert::fuzz::import_input("csv", data, size);
}
