#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

enum class Health : std::uint8_t {
  kOk,
  kWarn,     ///< works, but results suffer
  kMissing,  ///< something does without
};
std::string_view name(Health health);  ///< "ok", "warn", "missing"

/// One thing that `hotexpert doctor` looked at.
struct DoctorCheck {
  std::string name;
  Health health = Health::kOk;
  std::string sentence;  ///< what was found and, unless ok, what to do about it
};

/// Judges an environment record (profiler/environment.hpp), in a fixed order. Reads nothing else,
/// so the checks of another machine's manifest can be printed too.
/// @throws InputError if `environment` is not such a record
std::vector<DoctorCheck> doctor_checks(const Json& environment);

}  // namespace hotexpert
