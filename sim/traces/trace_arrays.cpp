#include "sim/traces/trace_arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"
#include "sim/traces/npy_file.hpp"
#include "sim/traces/safetensors_file.hpp"

namespace hotexpert {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostLayers = 100'000;

/// [tokens, k] becomes [tokens, 1, k].
void make_three_dimensional(ArrayView& array, std::string_view what) {
  if (array.shape.size() == 2) array.shape.insert(array.shape.begin() + 1, 1);
  if (array.shape.size() != 3) {
    throw InputError(fmt::format("{}: has shape {}; [tokens, layers, k] or [tokens, k] is needed",
                                 what, shape_text(array.shape)));
  }
}

/// The neighbour topk_weights*.npy of a file topk_ids*.npy: first by name with the ids' shape.
std::optional<ArrayView> neighbouring_weights(const fs::path& ids_file, const ArrayView& ids) {
  if (ids_file.filename().string().rfind("topk_ids", 0) != 0) return std::nullopt;
  const fs::path folder = ids_file.has_parent_path() ? ids_file.parent_path() : fs::path(".");
  std::set<std::string> candidates;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.rfind("topk_weights", 0) == 0 && entry.path().extension() == ".npy") {
      candidates.insert(entry.path().string());
    }
  }
  for (const auto& candidate : candidates) {
    auto weights = open_npy(candidate);
    if (weights.shape == ids.shape) return weights;
  }
  return std::nullopt;
}

template <class T>
std::vector<T> whole_numbers(const SafetensorsFile& file, const std::string& tensor,
                             std::string_view origin) {
  const ArrayView* array = file.find(tensor);
  if (array == nullptr) return {};
  if (!is_integer(array->type) || array->shape.size() != 1) {
    throw InputError(fmt::format("{}: tensor '{}' must be one row of integers, not {} {}", origin,
                                 tensor, name(array->type), shape_text(array->shape)));
  }
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(array->elements()));
  for (std::int64_t i = 0; i < array->elements(); ++i) {
    const auto value = array->integer(i);
    if (!std::in_range<T>(value)) {
      throw InputError(
          fmt::format("{}: tensor '{}': {} at {} is out of range", origin, tensor, value, i));
    }
    out.push_back(static_cast<T>(value));
  }
  return out;
}

std::int64_t metadata_integer(const std::string& text, std::string_view key,
                              std::string_view origin) {
  try {
    return parse_integer(text, key);
  } catch (const UsageError& error) {
    throw InputError(fmt::format("{}: metadata {}", origin, error.what()));
  }
}

void check_row_count(const TraceArrays& arrays, std::size_t rows, std::string_view what) {
  if (rows != 0 && static_cast<std::int64_t>(rows) != arrays.tokens()) {
    throw InputError(fmt::format("{}: {} has {} values for {} tokens", arrays.name, what, rows,
                                 arrays.tokens()));
  }
}

}  // namespace

void check_arrays(TraceArrays& arrays) {
  const auto& name_of_file = arrays.name;
  make_three_dimensional(arrays.topk_ids, name_of_file);
  const auto& shape = arrays.topk_ids.shape;
  if (!is_integer(arrays.topk_ids.type)) {
    throw InputError(fmt::format("{}: expert ids are {}, not integers", name_of_file,
                                 name(arrays.topk_ids.type)));
  }
  if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || shape[1] > kMostLayers ||
      shape[2] > kMaxExperts) {
    throw InputError(fmt::format("{}: a trace of shape {} (tokens, layers, k) holds no routing",
                                 name_of_file, shape_text(shape)));
  }
  if (arrays.num_experts > 0 && arrays.slots() > arrays.num_experts) {
    throw InputError(fmt::format("{}: {} slots a token, but only {} experts", name_of_file,
                                 arrays.slots(), arrays.num_experts));
  }
  if (arrays.weights) {
    make_three_dimensional(*arrays.weights, fmt::format("{}: weights", name_of_file));
    if (is_integer(arrays.weights->type) || arrays.weights->shape != shape) {
      throw InputError(fmt::format("{}: weights are {} {}; floats of shape {} are needed",
                                   name_of_file, name(arrays.weights->type),
                                   shape_text(arrays.weights->shape), shape_text(shape)));
    }
  }
  check_row_count(arrays, arrays.request_id.size(), "request_id");
  check_row_count(arrays, arrays.source_rank.size(), "source_rank");
  const auto& offsets = arrays.step_offsets;
  if (offsets.empty()) return;
  const bool rises =
      std::adjacent_find(offsets.begin(), offsets.end(), std::greater_equal<>()) == offsets.end();
  if (!rises || offsets.size() < 2 || offsets.front() != 0 || offsets.back() != arrays.tokens()) {
    throw InputError(fmt::format("{}: step_offsets do not rise from 0 to the {} tokens",
                                 name_of_file, arrays.tokens()));
  }
}

std::int64_t largest_id_plus_one(const TraceArrays& arrays) {
  const ArrayView& ids = arrays.topk_ids;
  return with_integer_type(ids.type, [&](auto element) -> std::int64_t {
    using T = decltype(element);
    // No branch in the loop, so that it is vectorised: an absent id counts as the lowest one.
    constexpr T kLowest = std::numeric_limits<T>::lowest();
    const bool has_absent = arrays.absent_id && std::in_range<T>(*arrays.absent_id);
    const T absent = has_absent ? static_cast<T>(*arrays.absent_id) : kLowest;
    T largest = kLowest;
    bool any = false;  // an id that is not absent
    const std::int64_t count = ids.elements();
    for (std::int64_t i = 0; i < count; ++i) {
      const T id = load_element<T>(ids.data, i);
      const bool counts = !has_absent || id != absent;
      any |= counts;
      largest = std::max(largest, counts ? id : kLowest);
    }
    if (!any || std::cmp_less(largest, 0)) return 0;
    return std::cmp_greater(largest, kMaxExperts) ? kMaxExperts + 1
                                                  : static_cast<std::int64_t>(largest) + 1;
  });
}

TraceArrays npy_arrays(const std::shared_ptr<const MappedFile>& file,
                       const std::string& weights_file) {
  TraceArrays out;
  out.name = file->path();
  out.topk_ids = parse_npy(file->bytes(), file, file->path());
  if (weights_file.empty()) {
    out.weights = neighbouring_weights(file->path(), out.topk_ids);
  } else if (weights_file != "none") {
    out.weights = open_npy(weights_file);
  }
  return out;
}

TraceArrays safetensors_arrays(const SafetensorsFile& file, const std::string& origin) {
  TraceArrays out;
  out.name = origin;
  const ArrayView* ids = file.find("topk_ids");
  if (ids == nullptr) throw InputError(fmt::format("{}: has no tensor 'topk_ids'", origin));
  out.topk_ids = *ids;
  if (const auto* weights = file.find("topk_weights")) out.weights = *weights;
  out.step_offsets = whole_numbers<std::int64_t>(file, "step_offsets", origin);
  out.request_id = whole_numbers<std::int32_t>(file, "request_id", origin);
  out.source_rank = whole_numbers<std::int32_t>(file, "source_rank", origin);
  for (const auto& [key, value] : file.metadata) {
    if (key == "num_experts") {
      const auto experts = metadata_integer(value, key, origin);
      if (experts < 1 || experts > kMaxExperts) {
        throw InputError(fmt::format("{}: metadata num_experts = {} is not in 1 to {}", origin,
                                     experts, kMaxExperts));
      }
      out.num_experts = static_cast<int>(experts);
    } else if (key == "absent_id") {
      out.absent_id = metadata_integer(value, key, origin);
    } else if (key == "model") {
      out.model = value;
    } else if (key == "origin") {
      out.origin = value;
    } else if (key == "on_bad") {
      out.keeps_bad_tokens = value == "keep";
    }
  }
  return out;
}

namespace {

/// Rows of `array` [rows, ...] in this order, as an owned copy.
ArrayView gather_rows(const ArrayView& array, std::span<const std::int64_t> rows) {
  const auto row_bytes =
      static_cast<std::size_t>(array.elements() / array.shape[0]) * size_of(array.type);
  std::vector<std::uint8_t> bytes(rows.size() * row_bytes);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(bytes.data() + i * row_bytes,
                array.data + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes);
  }
  auto shape = array.shape;
  shape[0] = static_cast<std::int64_t>(rows.size());
  ArrayView out = owned_array(std::move(bytes), std::move(shape));
  out.type = array.type;
  return out;
}

template <class T>
void gather(std::vector<T>& values, std::span<const std::int64_t> rows) {
  if (values.empty()) return;
  std::vector<T> out;
  for (const auto row : rows) out.push_back(values[static_cast<std::size_t>(row)]);
  values = std::move(out);
}

/// Layers of `array` [tokens, layers, k] in this order, as an owned copy.
ArrayView gather_layers(const ArrayView& array, std::span<const int> layers) {
  ArrayView rows = array;
  rows.shape = {array.shape[0] * array.shape[1], array.shape[2]};
  std::vector<std::int64_t> wanted;
  for (std::int64_t token = 0; token < array.shape[0]; ++token) {
    for (const int layer : layers) wanted.push_back(token * array.shape[1] + layer);
  }
  ArrayView out = gather_rows(rows, wanted);
  out.shape = {array.shape[0], static_cast<std::int64_t>(layers.size()), array.shape[2]};
  return out;
}

}  // namespace

void keep_tokens(TraceArrays& arrays, std::span<const std::int64_t> tokens) {
  arrays.topk_ids = gather_rows(arrays.topk_ids, tokens);
  if (arrays.weights) arrays.weights = gather_rows(*arrays.weights, tokens);
  gather(arrays.request_id, tokens);
  gather(arrays.source_rank, tokens);
  std::vector<std::int64_t> offsets;
  for (const auto offset : arrays.step_offsets) {
    const auto kept = std::lower_bound(tokens.begin(), tokens.end(), offset) - tokens.begin();
    if (offsets.empty() || offsets.back() != kept) offsets.push_back(kept);
  }
  arrays.step_offsets = std::move(offsets);
}

void keep_first_tokens(TraceArrays& arrays, std::int64_t count) {
  arrays.topk_ids.shape[0] = count;
  if (arrays.weights) arrays.weights->shape[0] = count;
  const auto cut = [&](auto& values) {
    if (!values.empty()) values.resize(static_cast<std::size_t>(count));
  };
  cut(arrays.request_id);
  cut(arrays.source_rank);
  auto& offsets = arrays.step_offsets;
  while (!offsets.empty() && offsets.back() > count) offsets.pop_back();
  if (!offsets.empty() && offsets.back() < count) offsets.push_back(count);
}

void keep_layers(TraceArrays& arrays, std::span<const int> layers) {
  arrays.topk_ids = gather_layers(arrays.topk_ids, layers);
  if (arrays.weights) arrays.weights = gather_layers(*arrays.weights, layers);
}

TraceArrays open_trace_arrays(const std::string& file, const std::string& weights_file) {
  const auto mapped = MappedFile::open(file);
  if (!looks_like_npy(mapped->bytes()) && !looks_like_safetensors(mapped->bytes())) {
    throw InputError(fmt::format(
        "{}: is neither an .npy nor a .safetensors file (see hotexpert trace import)", file));
  }
  TraceArrays arrays =
      looks_like_npy(mapped->bytes())
          ? npy_arrays(mapped, weights_file)
          : safetensors_arrays(parse_safetensors(mapped->bytes(), mapped, file), file);
  check_arrays(arrays);
  return arrays;
}

}  // namespace hotexpert
