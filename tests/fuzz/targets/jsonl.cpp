#include "tests/fuzz/support/import_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hotexpert::fuzz::import_input("megatron", data, size);
  return hotexpert::fuzz::import_input("jsonl", data, size);
}
