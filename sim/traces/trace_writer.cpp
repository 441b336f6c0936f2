#include "sim/traces/trace_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/traces/batch_walk.hpp"
#include "sim/traces/zip_archive.hpp"

namespace hotexpert {
namespace {

struct NamedArray {
  std::string name;
  ArrayView array;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

std::string_view bytes_of(const ArrayView& array) {
  return {reinterpret_cast<const char*>(array.data),
          static_cast<std::size_t>(array.elements()) * size_of(array.type)};
}

/// FNV-1a of 64 bits, as "fnv1a64:0123456789abcdef".
std::string digest_of(const ArrayView& array) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes_of(array)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return fmt::format("fnv1a64:{:016x}", hash);
}

/// Writes to a neighbour and renames it, so that the file appears whole or not at all.
class OutputFile {
 public:
  explicit OutputFile(std::string path) : path_(std::move(path)), partial_(path_ + ".partial") {
    file_ = std::fopen(partial_.c_str(), "wb");
    if (file_ == nullptr) fail();
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile() {
    if (file_ == nullptr) return;
    std::fclose(file_);
    std::remove(partial_.c_str());
  }
  void write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail();
  }
  void finish() {
    std::FILE* const file = file_;
    file_ = nullptr;
    if (std::fclose(file) != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const {
    const int reason = errno;
    std::remove(partial_.c_str());
    throw OutputError(fmt::format("{}: cannot be written ({})", path_, std::strerror(reason)));
  }

  std::string path_;
  std::string partial_;
  std::FILE* file_ = nullptr;
};

template <class T>
ArrayView converted(const ArrayView& ids) {
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(ids.elements()));
  for (std::int64_t i = 0; i < ids.elements(); ++i) out.push_back(static_cast<T>(ids.integer(i)));
  return owned_array(std::move(out), ids.shape);
}

/// Ids in the smallest type that holds every one of them.
ArrayView smallest_ids(const ArrayView& ids) {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  for (std::int64_t i = 0; i < ids.elements(); ++i) {
    lowest = std::min(lowest, ids.integer(i));
    highest = std::max(highest, ids.integer(i));
  }
  if (lowest >= 0 && highest <= 255) return converted<std::uint8_t>(ids);
  if (lowest >= std::numeric_limits<std::int16_t>::min() &&
      highest <= std::numeric_limits<std::int16_t>::max()) {
    return converted<std::int16_t>(ids);
  }
  if (lowest >= std::numeric_limits<std::int32_t>::min() &&
      highest <= std::numeric_limits<std::int32_t>::max()) {
    return converted<std::int32_t>(ids);
  }
  return converted<std::int64_t>(ids);
}

ArrayView stored_weights(const ArrayView& weights) {
  if (weights.type == ElementType::kF16 || weights.type == ElementType::kF32) return weights;
  std::vector<float> out;
  for (std::int64_t i = 0; i < weights.elements(); ++i) {
    out.push_back(static_cast<float>(weights.real(i)));
  }
  return owned_array(std::move(out), weights.shape);
}

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

void write_npy(const std::string& path, const ArrayView& array) {
  OutputFile file(path);
  file.write(npy_header(array));
  file.write(bytes_of(array));
  file.finish();
}

void write_npz(const std::string& path, const std::vector<NamedArray>& arrays) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, array] : arrays) {
    members.emplace_back(name + ".npy", npy_header(array) + std::string(bytes_of(array)));
  }
  write_zip(path, members);
}

void write_safetensors(const std::string& path, const std::vector<NamedArray>& arrays,
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

std::string weights_neighbour(const std::string& path) {
  const std::filesystem::path file(path);
  std::string name = file.filename().string();
  constexpr std::string_view kIds = "topk_ids";
  if (name.rfind(kIds, 0) != 0) {
    throw UsageError(fmt::format(
        "{}: an .npy trace with weights is called topk_ids*.npy, so that readers find the weights",
        path));
  }
  return (file.parent_path() / ("topk_weights" + name.substr(kIds.size()))).string();
}

}  // namespace

void write_trace(const std::string& path, const TraceArrays& arrays) {
  const auto extension = std::filesystem::path(path).extension();
  std::vector<NamedArray> out;
  const auto add = [&](const char* name, ArrayView array) {
    out.push_back({name, std::move(array)});
  };
  const auto row = [](const auto& values) {
    return owned_array(values, {static_cast<std::int64_t>(values.size())});
  };
  // Largest element types first, so that every tensor of the file is aligned.
  if (!arrays.step_offsets.empty()) add("step_offsets", row(arrays.step_offsets));
  if (extension == ".npz" && arrays.num_experts > 0) {
    add("num_experts", owned_array(std::vector<std::int64_t>{arrays.num_experts}, {1}));
  }
  if (!arrays.request_id.empty()) add("request_id", row(arrays.request_id));
  if (!arrays.source_rank.empty()) add("source_rank", row(arrays.source_rank));
  if (arrays.weights) add("topk_weights", stored_weights(*arrays.weights));
  add("topk_ids", smallest_ids(arrays.topk_ids));
  if (extension == ".npy") {
    const auto weights_path = arrays.weights ? weights_neighbour(path) : std::string();
    if (arrays.weights) write_npy(weights_path, stored_weights(*arrays.weights));
    write_npy(path, out.back().array);
  } else if (extension == ".npz") {
    write_npz(path, out);
  } else if (extension == ".safetensors") {
    Metadata metadata;
    if (arrays.num_experts > 0) {
      metadata.emplace_back("num_experts", std::to_string(arrays.num_experts));
    }
    if (!arrays.model.empty()) metadata.emplace_back("model", arrays.model);
    if (!arrays.origin.empty()) metadata.emplace_back("origin", arrays.origin);
    if (arrays.absent_id) metadata.emplace_back("absent_id", std::to_string(*arrays.absent_id));
    if (arrays.keeps_bad_tokens) metadata.emplace_back("on_bad", "keep");
    metadata.emplace_back("digest", digest_of(out.back().array));
    write_safetensors(path, out, metadata);
  } else {
    throw UsageError(fmt::format("{}: a trace is written as .safetensors, .npz or .npy, not '{}'",
                                 path, extension.string()));
  }
}

void write_loads(const std::string& path, const LoadMatrix& loads) {
  const auto array = owned_array(loads.load, {loads.steps, loads.layers, loads.experts});
  const auto extension = std::filesystem::path(path).extension();
  if (extension == ".npy") {
    write_npy(path, array);
  } else if (extension == ".npz") {
    write_npz(path, {{"load", array}});
  } else if (extension == ".safetensors") {
    write_safetensors(
        path, {{"load", array}},
        {{"num_experts", std::to_string(loads.experts)}, {"digest", digest_of(array)}});
  } else {
    throw UsageError(fmt::format("{}: counts are written as .safetensors, .npz or .npy, not '{}'",
                                 path, extension.string()));
  }
}

TraceArrays arrays_of(const RoutingTrace& trace, int threads) {
  const auto& info = trace.info();
  TraceArrays out;
  out.name = info.name;
  out.origin = info.name;
  out.num_experts = info.num_experts;
  out.step_offsets.push_back(0);
  BatchBuffer buffer;
  for (std::int64_t step = 0; step < info.steps; ++step) {
    const auto batch = trace.read(step, 0, buffer);
    out.step_offsets.push_back(out.step_offsets.back() + batch.tokens);
    out.source_rank.insert(out.source_rank.end(), batch.source_rank.begin(),
                           batch.source_rank.end());
    out.request_id.insert(out.request_id.end(), batch.request_id.begin(), batch.request_id.end());
  }
  const std::int64_t tokens = out.step_offsets.back();
  const std::vector<std::int64_t> shape = {tokens, info.layers, info.slots};
  const auto slots = static_cast<std::size_t>(info.slots);
  const auto total = static_cast<std::size_t>(tokens * info.layers) * slots;
  std::vector<std::int16_t> ids(total);
  std::vector<float> weights(info.has_weights ? total : 0);
  for_each_batch(trace, threads, [&](const RoutingBatch& batch) {
    const std::int64_t first = out.step_offsets[static_cast<std::size_t>(batch.step)];
    for (std::int64_t token = 0; token < batch.tokens; ++token) {
      const auto from = static_cast<std::size_t>(token) * slots;
      const auto to = static_cast<std::size_t>((first + token) * info.layers + batch.layer) * slots;
      std::copy_n(batch.topk_ids.begin() + static_cast<std::ptrdiff_t>(from), slots,
                  ids.begin() + static_cast<std::ptrdiff_t>(to));
      if (weights.empty()) continue;
      std::copy_n(batch.topk_weights.begin() + static_cast<std::ptrdiff_t>(from), slots,
                  weights.begin() + static_cast<std::ptrdiff_t>(to));
    }
  });
  out.topk_ids = owned_array(std::move(ids), shape);
  if (info.has_weights) out.weights = owned_array(std::move(weights), shape);
  return out;
}

}  // namespace hotexpert
