#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

inline constexpr std::string_view kRunSchema = "hotexpert-run/1";

/// Checks the keys of a run's manifest and their types; unknown keys pass.
/// @param origin names it in errors, e.g. the file's path
/// @throws InputError naming the key, or the schema when it is newer than kRunSchema
void validate_manifest(const Json& manifest, std::string_view origin);

/// What differs between two runs' scenarios, a phrase each: "skew.target was [1,2,4], is now
/// [1,2]". Compares scenario, seed and the contents of device files and
/// kernel plugins; empty when they agree.
std::vector<std::string> scenario_differences(const Json& before, const Json& now);

}  // namespace hotexpert
