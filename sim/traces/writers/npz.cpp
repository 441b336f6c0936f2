#include "sim/traces/writers/formats.hpp"
#include "sim/traces/zip_archive.hpp"

namespace hotexpert::writers {
namespace {

void write_file(const std::string& path, const std::vector<NamedArray>& arrays) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, array] : arrays) {
    members.emplace_back(name + ".npy", npy_header(array) + std::string(bytes_of(array)));
  }
  write_zip(path, members);
}

}  // namespace

void write_npz(const std::string& path, const TraceArrays& arrays) {
  auto members = named_arrays(arrays);
  if (arrays.num_experts > 0) {
    members.push_back(
        {"num_experts", owned_array(std::vector<std::int64_t>{arrays.num_experts}, {1})});
  }
  write_file(path, members);
}

void write_npz_loads(const std::string& path, const LoadMatrix& loads) {
  write_file(path, {{"load", load_array(loads)}});
}

}  // namespace hotexpert::writers
