#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sim/traces/array_view.hpp"

namespace hotexpert {

/// Tensors and metadata of a .safetensors file: 8 bytes header length, a JSON header, then the
/// tensors' bytes. https://github.com/huggingface/safetensors describes the format.
struct SafetensorsFile {
  std::map<std::string, ArrayView> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor called `name`, or nullptr.
  [[nodiscard]] const ArrayView* find(const std::string& name) const {
    const auto it = tensors.find(name);
    return it == tensors.end() ? nullptr : &it->second;
  }
};

/// True when the bytes begin with a plausible header length and an opening brace.
bool looks_like_safetensors(std::span<const std::byte> bytes);

/// Reads the header; tensors stay in place.
/// @throws InputError naming `origin` when the header is longer than the file or no JSON object, a
/// type is unknown, offsets lie outside the data, overlap or leave gaps, or differ from the shape
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes,
                                  const std::shared_ptr<const void>& storage,
                                  std::string_view origin);

/// The file at `path`, memory-mapped.   @throws InputError
SafetensorsFile open_safetensors(const std::string& path);

}  // namespace hotexpert
