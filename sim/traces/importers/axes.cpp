#include "sim/traces/importers/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "sim/base/errors.hpp"

namespace hotexpert::formats {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out{""};
  for (const char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

}  // namespace

ArrayView token_layer_slot(const ArrayView& array, const std::string& axes,
                           const std::string& origin) {
  constexpr std::array kAxes = {"token", "layer", "slot"};
  auto names = axes.empty()
                   ? (array.shape.size() == 2 ? split("token,slot") : split("token,layer,slot"))
                   : split(axes);
  ArrayView in = array;
  if (names.size() != in.shape.size()) {
    throw InputError(fmt::format("{}: has shape {}, which does not have the axes {}", origin,
                                 shape_text(in.shape), fmt::join(names, ",")));
  }
  if (std::find(names.begin(), names.end(), "layer") == names.end()) {
    names.emplace_back("layer");
    in.shape.push_back(1);
  }
  std::array<std::int64_t, 3> extent{};
  std::array<std::int64_t, 3> stride{};  // of token, layer, slot in the input, in elements
  for (std::size_t a = 0; a < kAxes.size(); ++a) {
    const auto it = std::find(names.begin(), names.end(), kAxes[a]);
    if (names.size() != kAxes.size() || it == names.end()) {
      throw UsageError(fmt::format(
          "--axes: '{}' is no order of token,layer,slot (or token,slot, or step,layer,expert)",
          axes));
    }
    const auto at = static_cast<std::size_t>(it - names.begin());
    extent[a] = in.shape[at];
    stride[a] = 1;
    for (std::size_t inner = at + 1; inner < in.shape.size(); ++inner) stride[a] *= in.shape[inner];
  }
  ArrayView out = in;
  out.shape = {extent[0], extent[1], extent[2]};
  const bool in_place = std::is_sorted(stride.begin(), stride.end(), std::greater<>()) &&
                        stride[2] == 1 && stride[1] == extent[2];
  if (in_place || in.elements() == 0) return out;
  const std::size_t size = size_of(in.type);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(in.elements()) * size);
  auto* to = bytes.data();
  for (std::int64_t token = 0; token < extent[0]; ++token) {
    for (std::int64_t layer = 0; layer < extent[1]; ++layer) {
      for (std::int64_t slot = 0; slot < extent[2]; ++slot, to += size) {
        const std::int64_t from = token * stride[0] + layer * stride[1] + slot * stride[2];
        std::memcpy(to, in.data + static_cast<std::size_t>(from) * size, size);
      }
    }
  }
  const ArrayView moved = owned_array(std::move(bytes), out.shape);
  out.data = moved.data;
  out.storage = moved.storage;
  return out;
}

LoadMatrix loads_from_array(const ArrayView& array, const std::string& origin) {
  auto shape = array.shape;
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  const bool possible = shape.size() == 3 && shape[0] >= 1 && shape[1] >= 1 && shape[2] >= 1 &&
                        shape[1] <= 100'000 && shape[2] <= kMaxExperts;
  if (!possible) {
    throw InputError(fmt::format("{}: counts of shape {} are no [steps, layers, experts]", origin,
                                 shape_text(array.shape)));
  }
  LoadMatrix loads(shape[0], static_cast<int>(shape[1]), static_cast<int>(shape[2]));
  constexpr double kLargestCount = 0x1p53;  // above, doubles skip whole numbers
  for (std::int64_t i = 0; i < array.elements(); ++i) {
    const double count = array.real(i);
    if (!(count >= 0 && count <= kLargestCount) || std::floor(count) != count) {
      throw InputError(
          fmt::format("{}: count {} at element {} is no whole number >= 0", origin, count, i));
    }
    loads.load[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(count);
  }
  return loads;
}

Recording recording_from_array(ArrayView array, const ImportOptions& options,
                               const std::string& origin) {
  Recording out;
  if (options.axes == "step,layer,expert" || options.axes == "layer,expert") {
    out.loads = loads_from_array(array, origin);
    return out;
  }
  out.arrays.emplace();
  out.arrays->name = origin;
  out.arrays->topk_ids = token_layer_slot(array, options.axes, origin);
  return out;
}

}  // namespace hotexpert::formats
