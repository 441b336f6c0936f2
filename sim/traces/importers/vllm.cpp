#include <fmt/format.h>

#include <array>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"
#include "sim/traces/importers/axes.hpp"
#include "sim/traces/importers/formats.hpp"
#include "sim/traces/importers/token_table.hpp"
#include "sim/traces/npy_file.hpp"

namespace hotexpert::formats {
namespace {

/// Bytes of base64 text (RFC 4648, with padding).
std::shared_ptr<const std::vector<std::byte>> decode_base64(std::string_view text,
                                                            const std::string& where) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  auto out = std::make_shared<std::vector<std::byte>>();
  out->reserve(text.size() / 4 * 3);
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      throw InputError(fmt::format("{}: routed_experts is no base64 text", where));
    }
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out->push_back(static_cast<std::byte>(bits >> count & 0xffU));
    }
  }
  return out;
}

/// Appends [tokens, layers, k] of one request.
void add_request(const Json& routed, const std::string& where, const std::string& axes,
                 TokenTable& table) {
  if (routed.is_string()) {
    const auto bytes = decode_base64(routed.as_string(), where);
    const auto array = token_layer_slot(parse_npy(*bytes, bytes, where), axes, where);
    if (!is_integer(array.type)) {
      throw InputError(fmt::format("{}: expert ids are {}, not integers", where, name(array.type)));
    }
    const auto slots = array.shape[2];
    std::vector<std::int64_t> ids(static_cast<std::size_t>(slots));
    for (std::int64_t row = 0; row < array.shape[0] * array.shape[1]; ++row) {
      for (std::int64_t s = 0; s < slots; ++s) {
        ids[static_cast<std::size_t>(s)] = array.integer(row * slots + s);
      }
      table.add(row % array.shape[1], ids, {});
    }
    return;
  }
  for (const auto& token : routed.as_array()) {
    std::int64_t layer = 0;
    for (const auto& row : token.as_array()) table.add(layer++, json_ids(row, where), {});
  }
}

}  // namespace

bool sniff_vllm(const ImportSource& source) {
  const auto text = source.text().substr(0, 1U << 20);
  return !text.empty() && text.find_first_of('{') != std::string_view::npos &&
         text.substr(text.find_first_not_of(" \t\r\n")).front() == '{' &&
         text.find("routed_experts\"") != std::string_view::npos;
}

/// A response of the HTTP server: choices[*].routed_experts (and the prompt's, when it is given
/// apart), each base64 of an .npy file or nested lists [tokens][layers][k]. A choice is a request,
/// read one at a time; cached prefixes are -1.
Recording read_vllm(const ImportSource& source, const ImportOptions& options) {
  TokenTable table(source.path());
  std::vector<std::int32_t> request;
  std::int32_t next_request = 0;
  const auto add = [&](const Json& holder) {
    for (const char* key : {"prompt_routed_experts", "routed_experts"}) {
      const Json* const routed = holder.find(key);
      if (routed == nullptr || routed->is_null()) continue;
      add_request(*routed, fmt::format("{}: {} of request {}", source.path(), key, next_request),
                  options.axes, table);
    }
    table.mark_tokens(request, next_request++);
  };
  const Json json = parse_json_items(source.text(), source.path(), "choices", add);
  if (json.find("choices") == nullptr) add(json);
  auto out = recording_from_table(table);
  out.arrays->request_id = std::move(request);
  if (const auto* model = json.find("model"); model != nullptr && model->is_string()) {
    out.model = model->as_string();
  }
  return out;
}

}  // namespace hotexpert::formats
