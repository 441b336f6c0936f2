#include "sim/traces/safetensors_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/traces/mapped_file.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestJson = 16U << 20;
constexpr std::ptrdiff_t kMostValues = 400'000;  // 40,000 tensors; some 100 MB once parsed

struct DtypeRow {
  std::string_view dtype;
  ElementType type;
};
constexpr std::array kDtypes = {
    DtypeRow{"U8", ElementType::kU8},     DtypeRow{"BOOL", ElementType::kU8},
    DtypeRow{"I8", ElementType::kI8},     DtypeRow{"U16", ElementType::kU16},
    DtypeRow{"I16", ElementType::kI16},   DtypeRow{"U32", ElementType::kU32},
    DtypeRow{"I32", ElementType::kI32},   DtypeRow{"U64", ElementType::kU64},
    DtypeRow{"I64", ElementType::kI64},   DtypeRow{"F16", ElementType::kF16},
    DtypeRow{"BF16", ElementType::kBf16}, DtypeRow{"F32", ElementType::kF32},
    DtypeRow{"F64", ElementType::kF64}};

struct Extent {
  std::int64_t begin;
  std::int64_t end;
};

ElementType element_type(const Json& entry, std::string_view what) {
  const auto& dtype = entry.at("dtype").as_string();
  const auto* const row = std::find_if(kDtypes.begin(), kDtypes.end(),
                                       [&](const DtypeRow& r) { return r.dtype == dtype; });
  if (row == kDtypes.end()) throw InputError(fmt::format("{}: unknown dtype '{}'", what, dtype));
  return row->type;
}

/// One tensor; `extent` receives its place in the data.
ArrayView read_tensor(const Json& entry, std::span<const std::byte> data, std::string_view what,
                      Extent& extent) {
  ArrayView out;
  out.type = element_type(entry, what);
  for (const auto& size : entry.at("shape").as_array()) out.shape.push_back(size.as_integer());
  const auto& offsets = entry.at("data_offsets").as_array();
  if (offsets.size() != 2) throw InputError(fmt::format("{}: data_offsets needs two", what));
  extent = {offsets[0].as_integer(), offsets[1].as_integer()};
  if (extent.begin < 0 || extent.end < extent.begin ||
      extent.end > static_cast<std::int64_t>(data.size())) {
    throw InputError(fmt::format("{}: bytes {} to {} lie outside the {} bytes of data (truncated?)",
                                 what, extent.begin, extent.end, data.size()));
  }
  const auto needed = checked_bytes(out.shape, out.type, what);
  if (needed != extent.end - extent.begin) {
    throw InputError(fmt::format("{}: shape {} of {} needs {} bytes, data_offsets give {}", what,
                                 shape_text(out.shape), name(out.type), needed,
                                 extent.end - extent.begin));
  }
  out.data = data.data() + extent.begin;
  return out;
}

/// Tensors fill the data without overlap or gap, so that no byte has two meanings.
void check_coverage(std::vector<Extent> extents, std::size_t data_bytes, std::string_view origin) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::int64_t at = 0;
  for (const auto& extent : extents) {
    if (extent.begin != at) {
      throw InputError(fmt::format("{}: tensors overlap or leave a gap at byte {}", origin, at));
    }
    at = extent.end;
  }
  if (at != static_cast<std::int64_t>(data_bytes)) {
    throw InputError(fmt::format("{}: {} bytes behind the last tensor", origin,
                                 static_cast<std::int64_t>(data_bytes) - at));
  }
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> bytes) {
  if (bytes.size() <= kLengthBytes || bytes[kLengthBytes] != std::byte{'{'}) return false;
  const auto length = load_element<std::uint64_t>(bytes.data(), 0);
  return length >= 2 && length <= (std::uint64_t{1} << 48);
}

SafetensorsFile parse_safetensors(std::span<const std::byte> bytes,
                                  const std::shared_ptr<const void>& storage,
                                  std::string_view origin) {
  if (bytes.size() < kLengthBytes) {
    throw InputError(fmt::format("{}: is too short for a .safetensors file", origin));
  }
  const auto length = load_element<std::uint64_t>(bytes.data(), 0);
  if (length > kLongestJson || length > bytes.size() - kLengthBytes) {
    throw InputError(fmt::format("{}: the header claims {} bytes; the file has {} left", origin,
                                 length, bytes.size() - kLengthBytes));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  std::memcpy(text.data(), bytes.data() + kLengthBytes, text.size());
  const auto data = bytes.subspan(kLengthBytes + text.size());
  const auto values = std::count_if(text.begin(), text.end(),
                                    [](char c) { return c == ',' || c == '[' || c == '{'; });
  if (values > kMostValues) {
    throw InputError(fmt::format("{}: the header holds {} values, more than {}: damaged?", origin,
                                 values, kMostValues));
  }
  SafetensorsFile file;
  std::vector<Extent> extents;
  const Json header = Json::parse(text, origin);
  for (const auto& [name, entry] : header.as_object()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.as_object()) file.metadata[key] = value.as_string();
      continue;
    }
    const auto what = fmt::format("{}: tensor '{}'", origin, name);
    auto tensor = read_tensor(entry, data, what, extents.emplace_back());
    tensor.storage = storage;
    file.tensors.emplace(name, std::move(tensor));
  }
  check_coverage(std::move(extents), data.size(), origin);
  return file;
}

SafetensorsFile open_safetensors(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_safetensors(file->bytes(), file, path);
}

}  // namespace hotexpert
