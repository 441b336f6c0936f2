#include "reports/manifest.hpp"

#include <fmt/format.h>

#include <charconv>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kSchemaName = "hotexpert-run/";

void check_schema(const Json& manifest, std::string_view origin) {
  const std::string& schema = manifest.at("schema").as_string();
  int major = 0;
  const bool known_name = schema.rfind(kSchemaName, 0) == 0;
  const char* digits = schema.data() + (known_name ? kSchemaName.size() : 0);
  const auto [end, error] = std::from_chars(digits, schema.data() + schema.size(), major);
  if (!known_name || error != std::errc() || (end != schema.data() + schema.size() && *end != '.'))
    throw InputError(fmt::format("{}: \"schema\" is \"{}\"; a run folder of hotexpert says \"{}\"",
                                 origin, schema, kRunSchema));
  if (major > 1) {
    throw InputError(
        fmt::format("{}: the schema \"{}\" is newer than this program reads (\"{}\"): update "
                    "hotexpert",
                    origin, schema, kRunSchema));
  }
}

void compare_members(const Json& before, const Json& now, std::vector<std::string>& found) {
  for (const auto& [key, value] : before.as_object()) {
    const Json* other = now.find(key);
    if (other == nullptr) {
      found.push_back(fmt::format("{} was {}, is now absent", key, value.dump()));
    } else if (other->dump() != value.dump()) {
      found.push_back(fmt::format("{} was {}, is now {}", key, value.dump(), other->dump()));
    }
  }
  for (const auto& [key, value] : now.as_object()) {
    if (before.find(key) == nullptr)
      found.push_back(fmt::format("{} was absent, is now {}", key, value.dump()));
  }
}

/// Recordings of one name whose contents differ, by what both manifests say of them.
void compare_recordings(const Json& before, const Json& now, std::vector<std::string>& found) {
  const Json* then = before.find("traces");
  const Json* here = now.find("traces");
  if (then == nullptr || here == nullptr || !then->is_array() || !here->is_array()) return;
  for (const auto& recording : then->as_array()) {
    const Json* file = recording.is_object() ? recording.find("file") : nullptr;
    if (file == nullptr) continue;
    for (const auto& other : here->as_array()) {
      const Json* name = other.is_object() ? other.find("file") : nullptr;
      if (name == nullptr || *name != *file) continue;
      for (const char* key : {"digest", "tokens", "layers", "experts"}) {
        const Json* was = recording.find(key);
        const Json* is = other.find(key);
        if (was == nullptr || is == nullptr || *was == *is) continue;
        found.push_back(fmt::format("the recording {} has other contents ({} was {}, is now {})",
                                    file->dump(), key, was->dump(), is->dump()));
        break;
      }
    }
  }
}

}  // namespace

void validate_manifest(const Json& manifest, std::string_view origin) {
  if (!manifest.is_object())
    throw InputError(fmt::format("{}: a manifest is a JSON object", origin));
  try {
    check_schema(manifest, origin);
    for (const char* key : {"title", "created"}) (void)manifest.at(key).as_string();
    for (const char* key : {"program", "environment"}) (void)manifest.at(key).as_object();
    (void)manifest.at("seed").as_integer();
    for (const auto& [axis, values] : manifest.at("scenario").as_object()) (void)values.as_array();
    for (const auto& axis : manifest.at("axes").as_array()) {
      for (const char* key : {"name", "label", "unit"}) (void)axis.at(key).as_string();
    }
  } catch (const InputError& error) {
    const std::string_view what = error.what();
    if (what.substr(0, origin.size()) == origin) throw;
    throw InputError(fmt::format("{}: {}", origin, what));
  }
}

std::vector<std::string> scenario_differences(const Json& before, const Json& now) {
  std::vector<std::string> found;
  compare_members(before.at("scenario"), now.at("scenario"), found);
  if (before.at("seed") != now.at("seed")) {
    found.push_back(
        fmt::format("seed was {}, is now {}", before.at("seed").dump(), now.at("seed").dump()));
  }
  const auto described = [](const Json& manifest, std::string_view key) {
    const Json* member = manifest.find(key);
    return member == nullptr ? Json::object() : *member;
  };
  if (described(before, "devices") != described(now, "devices"))
    found.push_back("a device file has other contents");
  if (described(before, "plugins") != described(now, "plugins"))
    found.push_back("a kernel plugin has other contents");
  compare_recordings(before, now, found);
  return found;
}

}  // namespace hotexpert
