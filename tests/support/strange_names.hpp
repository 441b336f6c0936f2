#pragma once

#include <string>
#include <vector>

#include "sim/base/random.hpp"

namespace hotexpert::testing_support {

/// Names that try to leave their folder, to be no name at all, or to drive a terminal: pieces of
/// paths, links, controls and broken UTF-8 in random order.
inline std::vector<std::string> strange_names(int count) {
  using namespace std::string_literals;
  static const std::vector<std::string> pieces = {
      "..",        "/",       "../",      "//",     ".",        "\\",           "..\\",
      "~",         "etc",     "passwd",   "\0"s,    "\n",       "\r",           "\x1b[2J",
      "\x7f",      "\u202E",  "%2e%2e",   "%2f",    "\xc0\xae", "\xff",         " ",
      "-rf",       "$(id)",   "`id`",     ";",      "a",        "con",          "nul",
      ":",         "file://", "\u2215",   "\uff0f", "lock",     "points.jsonl", "manifest.json",
      "artifacts", "\x9b",    "\xc2\x9b", "'",      "\""};
  RandomStream random({.seed = 99}, 0);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    std::string name;
    const auto parts = random.below(9);
    for (std::uint32_t p = 0; p < parts; ++p)
      name += pieces[random.below(static_cast<std::uint32_t>(pieces.size()))];
    if (random.below(50) == 0) name += std::string(5000, 'n');
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace hotexpert::testing_support
