#include <fmt/format.h>

#include <filesystem>

#include "sim/base/errors.hpp"
#include "sim/base/output_file.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

std::string_view npy_descr(ElementType type) {
  switch (type) {
    case ElementType::kU8:
      return "|u1";
    case ElementType::kI16:
      return "<i2";
    case ElementType::kI32:
      return "<i4";
    case ElementType::kI64:
      return "<i8";
    case ElementType::kF16:
      return "<f2";
    default:
      return "<f4";
  }
}

void write_file(const std::string& path, const ArrayView& array) {
  OutputFile file(path);
  file.write(npy_header(array));
  file.write(bytes_of(array));
  file.finish();
}

std::string weights_neighbour(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string name = file.filename().string();
  constexpr std::string_view kIds = "topk_ids";
  if (name.rfind(kIds, 0) != 0) {
    throw UsageError(fmt::format(
        "{}: an .npy trace with weights is called topk_ids*.npy, so that readers find the weights",
        path));
  }
  return (file.parent_path() / ("topk_weights" + name.substr(kIds.size()))).string();
}

}  // namespace

std::string npy_header(const ArrayView& array) {
  constexpr std::size_t kFixed = 10;
  constexpr std::size_t kAlignment = 64;
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   npy_descr(array.type), fmt::join(array.shape, ", "),
                                   array.shape.size() == 1 ? "," : "");
  header.resize((kFixed + header.size()) / kAlignment * kAlignment + kAlignment - kFixed, ' ');
  header.back() = '\n';
  const auto length = static_cast<unsigned>(header.size());
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(length & 0xffU);
  out += static_cast<char>(length >> 8);
  return out + header;
}

/// Weights go to the neighbour that readers pick up: topk_ids_a.npy -> topk_weights_a.npy.
void write_npy(const std::string& path, const TraceArrays& arrays) {
  if (arrays.weights) write_file(weights_neighbour(path), stored_weights(*arrays.weights));
  write_file(path, smallest_ids(arrays.topk_ids));
}

void write_npy_loads(const std::string& path, const LoadMatrix& loads) {
  write_file(path, load_array(loads));
}

}  // namespace hotexpert::writers
