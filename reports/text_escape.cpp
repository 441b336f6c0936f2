#include "reports/text_escape.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace hotexpert {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

/// Decodes the code point at the front of `text` and removes it; kReplacement for a byte that is
/// not UTF-8 (overlong forms and surrogates included).
std::uint32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  std::uint32_t code = length <= 1 ? first : first & (0x7FU >> length);
  bool valid = length != 0 && length <= text.size();
  for (std::size_t i = 1; valid && i < length; ++i) {
    valid = (byte(i) & 0xC0U) == 0x80;
    code = code << 6U | (byte(i) & 0x3FU);
  }
  valid = valid && !(length == 3 && code < 0x800) && !(length == 4 && code < 0x10000) &&
          !(code >= 0xD800 && code < 0xE000) && code <= 0x10FFFF;
  text.remove_prefix(valid ? length : 1);
  return valid ? code : kReplacement;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | code >> 6U);
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3FU));
    put(0x80U | (code >> 6U & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

/// Bidirectional controls, zero-width characters, line and paragraph separators, byte order mark.
bool is_invisible(std::uint32_t code) {
  return (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0x061C || code == 0xFEFF ||
         (code >= 0xFFF9 && code <= 0xFFFB) || (code >= 0xE0000 && code <= 0xE007F);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::uint32_t code = take_code_point(text);
    if (code < 0x20) {
      append_utf8(out, 0x2400 + code);
    } else if (code == 0x7F) {
      append_utf8(out, 0x2421);
    } else if ((code >= 0x80 && code < 0xA0) || is_invisible(code)) {
      out += fmt::format("[U+{:04X}]", code);
    } else {
      append_utf8(out, code);
    }
  }
  return out;
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : visible_text(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : visible_text(text)) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";  // would call people on a pull request
    } else {
      if (std::string_view("\\`*_[]|~#").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string html_with_code(std::string_view text) {
  std::string out;
  bool in_code = false;
  while (!text.empty()) {
    const std::size_t tick = text.find('`');
    out += html_text(text.substr(0, tick));
    if (tick == std::string_view::npos) break;
    out += in_code ? "</code>" : "<code>";
    in_code = !in_code;
    text.remove_prefix(tick + 1);
  }
  if (in_code) out += "</code>";
  return out;
}

std::string csv_text(std::string_view text) {
  std::string out = visible_text(text);
  if (!out.empty() && std::string_view("=+-@").find(out[0]) != std::string_view::npos)
    out.insert(0, 1, '\'');
  for (const std::string_view wide : {"＝", "＋", "－", "＠"}) {
    if (out.compare(0, wide.size(), wide) == 0) out.insert(0, 1, '\'');
  }
  if (out.find_first_of(",\"") == std::string::npos) return out;
  replace_all(out, "\"", "\"\"");
  return '"' + out + '"';
}

std::string json_in_html(std::string json) {
  replace_all(json, "<", "\\u003c");
  replace_all(json, ">", "\\u003e");
  replace_all(json, "&", "\\u0026");
  replace_all(json, "\xE2\x80\xA8", "\\u2028");
  replace_all(json, "\xE2\x80\xA9", "\\u2029");
  return json;
}

}  // namespace hotexpert
