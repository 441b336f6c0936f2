#include "sim/base/slug.hpp"

#include <algorithm>

namespace hotexpert {

std::string slug(std::string_view text, std::size_t longest) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || (c == '.' && !out.empty() && out.back() != '.');
    if (plain) out += c;
    if (!plain && !out.empty() && out.back() != '-') out += '-';
  }
  out.resize(std::min(out.size(), longest));
  while (!out.empty() && (out.back() == '-' || out.back() == '.')) out.pop_back();
  return out.empty() ? "unnamed" : out;
}

}  // namespace hotexpert
