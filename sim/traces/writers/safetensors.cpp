#include <fmt/format.h>

#include <algorithm>

#include "sim/base/json.hpp"
#include "sim/base/output_file.hpp"
#include "sim/traces/writers/formats.hpp"

namespace hotexpert::writers {
namespace {

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// FNV-1a of 64 bits, as "fnv1a64:0123456789abcdef".
std::string digest_of(const ArrayView& array) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes_of(array)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return fmt::format("fnv1a64:{:016x}", hash);
}

void write_file(const std::string& path, const std::vector<NamedArray>& arrays,
                const Metadata& metadata) {
  Json header;
  Json text = Json::object();
  for (const auto& [key, value] : metadata) text.set(key, value);
  header.set("__metadata__", std::move(text));
  std::int64_t at = 0;
  for (const auto& [tensor, array] : arrays) {
    const auto end = at + static_cast<std::int64_t>(bytes_of(array).size());
    std::string dtype(name(array.type));
    std::transform(dtype.begin(), dtype.end(), dtype.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
    Json entry;
    entry.set("dtype", dtype).set("shape", Json::array_of(array.shape));
    entry.set("data_offsets", Json::array_of(std::vector<std::int64_t>{at, end}));
    header.set(tensor, std::move(entry));
    at = end;
  }
  std::string json = header.dump();
  json.resize((json.size() + 7) / 8 * 8, ' ');  // tensors begin aligned
  std::string length;
  for (std::size_t i = 0, rest = json.size(); i < 8; ++i, rest >>= 8) {
    length += static_cast<char>(rest & 0xffU);
  }
  OutputFile file(path);
  file.write(length);
  file.write(json);
  for (const auto& [tensor, array] : arrays) file.write(bytes_of(array));
  file.finish();
}

}  // namespace

void write_safetensors(const std::string& path, const TraceArrays& arrays) {
  const auto tensors = named_arrays(arrays);
  Metadata metadata;
  if (arrays.num_experts > 0) {
    metadata.emplace_back("num_experts", std::to_string(arrays.num_experts));
  }
  if (!arrays.model.empty()) metadata.emplace_back("model", arrays.model);
  if (!arrays.origin.empty()) metadata.emplace_back("origin", arrays.origin);
  if (arrays.absent_id) metadata.emplace_back("absent_id", std::to_string(*arrays.absent_id));
  if (arrays.keeps_bad_tokens) metadata.emplace_back("on_bad", "keep");
  metadata.emplace_back("digest", digest_of(tensors.back().array));
  write_file(path, tensors, metadata);
}

void write_safetensors_loads(const std::string& path, const LoadMatrix& loads) {
  const auto array = load_array(loads);
  write_file(path, {{"load", array}},
             {{"num_experts", std::to_string(loads.experts)}, {"digest", digest_of(array)}});
}

}  // namespace hotexpert::writers
