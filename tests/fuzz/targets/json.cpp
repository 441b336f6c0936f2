#include <cstdlib>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "tests/fuzz/support/import_input.hpp"
#include "tests/fuzz/support/input_file.hpp"

/// What parses prints a text that parses and prints the same; then the importers that read JSON
/// documents.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotexpert;  // NOLINT: one function
  try {
    const std::string printed = Json::parse(fuzz::text_of(data, size), "input").dump();
    const Json again = Json::parse(printed, "printed");
    if (again.dump() != printed) std::abort();
    if (Json::parse(again.dump(2), "indented").dump() != printed) std::abort();
  } catch (const Error&) {
  }
  for (const char* format : {"vllm", "eplb", "dataset-counts", "selections"})
    fuzz::import_input(format, data, size);
  return 0;
}
