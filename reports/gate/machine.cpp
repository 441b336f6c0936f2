#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/gate/gate.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

/// Parts of key names whose values change from run to run on one machine.
constexpr std::array<std::string_view, 9> kVolatile = {
    "load", "clock", "mhz", "temperature", "free", "available", "time", "date", "uptime"};

/// What two builds of the program are compared for.
constexpr std::array<std::string_view, 2> kBuild = {"build.git", "build.version"};

bool is_volatile(const std::string& key) {
  return std::any_of(kVolatile.begin(), kVolatile.end(),
                     [&](std::string_view part) { return key.find(part) != std::string::npos; });
}

std::string text_of(const Json* value) {
  if (value == nullptr) return "absent";
  return visible_text(value->is_string() ? value->as_string() : value->dump());
}

void compare(const Json& base, const Json& now, const std::string& prefix,
             std::vector<std::string>& found) {
  const auto check = [&](const std::string& key) {
    if (is_volatile(key) || std::ranges::find(kBuild, prefix + key) != kBuild.end()) return;
    const Json* before = base.find(key);
    const Json* after = now.find(key);
    if (before != nullptr && after != nullptr && before->is_object() && after->is_object()) {
      compare(*before, *after, prefix + key + ".", found);
    } else if (before == nullptr || after == nullptr || *before != *after) {
      found.push_back(fmt::format("{} was {}, is now {}", visible_text(prefix + key),
                                  text_of(before), text_of(after)));
    }
  };
  for (const auto& [key, value] : base.as_object()) check(key);
  for (const auto& [key, value] : now.as_object()) {
    if (base.find(key) == nullptr) check(key);
  }
}

}  // namespace

std::vector<std::string> machine_differences(const Json& base, const Json& now) {
  std::vector<std::string> found;
  compare(base, now, "", found);
  return found;
}

}  // namespace hotexpert
