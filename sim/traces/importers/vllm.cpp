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

constexpr std::array kRoutedKeys = {"prompt_routed_experts",
                                    "routed_experts"};  // in the tokens' order

/// Appends [layers][k] of one token.
void add_token(const Json& token, const std::string& where, TokenTable& table) {
  std::int64_t layer = 0;
  for (const auto& row : token.as_array()) table.add(layer++, json_ids(row, where), {});
}

/// Appends [tokens, layers, k] of an .npy file in base64.
void add_base64(const std::string& text, const std::string& where, const std::string& axes,
                TokenTable& table) {
  const auto bytes = decode_base64(text, where);
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
}

/// Appends what a request holds under one key: null, base64, or a list of tokens.
void add_routed(const Json* routed, const std::string& where, const std::string& axes,
                TokenTable& table) {
  if (routed == nullptr || routed->is_null()) return;
  if (routed->is_string()) return add_base64(routed->as_string(), where, axes, table);
  for (const auto& token : routed->as_array()) add_token(token, where, table);
}

/// The requests of a response, one behind the other.
class Requests {
 public:
  Requests(const ImportSource& source, const ImportOptions& options)
      : source_(source), axes_(options.axes), table_(source.path()) {}

  void add_choice(const Json& choice) {
    for (const char* key : kRoutedKeys) add_routed(choice.find(key), where(key), axes_, table_);
    end_request();
  }

  /// The document as one request, its lists read again, a token at a time.
  /// @param rest the document without the items of these lists
  void add_document(const Json& rest) {
    for (const char* key : kRoutedKeys) {
      const Json* const routed = rest.find(key);
      if (routed != nullptr && routed->is_array()) {
        read_tokens(key);
      } else {
        add_routed(routed, where(key), axes_, table_);
      }
    }
    end_request();
  }

  Recording finish() {
    auto out = recording_from_table(table_);
    out.arrays->request_id = std::move(request_);
    return out;
  }

 private:
  [[nodiscard]] std::string where(const char* key) const {
    return fmt::format("{}: {} of request {}", source_.path(), key, next_request_);
  }
  void read_tokens(const char* key) {
    const std::string here = where(key);
    std::vector<JsonItems> parts;
    for (const char* part : kRoutedKeys) {
      parts.push_back({part, [&, wanted = part == key](const Json& token, const std::string&) {
                         if (wanted) add_token(token, here, table_);
                       }});
    }
    parse_json_items(source_.text(), source_.path(), parts);
  }
  void end_request() { table_.mark_tokens(request_, next_request_++); }

  const ImportSource& source_;
  std::string axes_;
  TokenTable table_;
  std::vector<std::int32_t> request_;
  std::int32_t next_request_ = 0;
};

}  // namespace

bool sniff_vllm(const ImportSource& source) {
  const auto text = source.text().substr(0, 1U << 20);
  return !text.empty() && text.find_first_of('{') != std::string_view::npos &&
         text.substr(text.find_first_not_of(" \t\r\n")).front() == '{' &&
         text.find("routed_experts\"") != std::string_view::npos;
}

/// A response of the HTTP server: choices[*].routed_experts (and the prompt's, when it is given
/// apart), each base64 of an .npy file or nested lists [tokens][layers][k]. A choice is a request,
/// read one at a time; cached prefixes are -1. A document without choices is one request, read a
/// token at a time.
Recording read_vllm(const ImportSource& source, const ImportOptions& options) {
  Requests requests(source, options);
  const auto leave_out = [](const Json&, const std::string&) {};
  const auto add_choice = [&](const Json& choice, const std::string&) {
    requests.add_choice(choice);
  };
  const Json json = parse_json_items(
      source.text(), source.path(),
      {{"choices", add_choice}, {kRoutedKeys[0], leave_out}, {kRoutedKeys[1], leave_out}});
  if (const Json* const choices = json.find("choices")) {
    (void)choices->as_array();
  } else {
    requests.add_document(json);
  }
  auto out = requests.finish();
  if (const auto* model = json.find("model"); model != nullptr && model->is_string()) {
    out.model = model->as_string();
  }
  return out;
}

}  // namespace hotexpert::formats
