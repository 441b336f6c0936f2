#include "scenarios/runner/axis_values.hpp"
#include "scenarios/runner/scenario_file.hpp"
#include "sim/base/errors.hpp"
#include "tests/fuzz/support/input_file.hpp"

/// A scenario is refused with a sentence, or every axis has values and few points are expanded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotexpert;  // NOLINT: one function
  const fuzz::InputFile file(fuzz::text_of(data, size));
  try {
    const Scenario scenario = read_scenario(file.path());
    for (const auto& axis : axes()) {
      if (scenario.values(axis).empty()) __builtin_trap();
    }
    if (scenario.point_count(kSweepScopes) <= 64) {
      for (const auto& choice : scenario.expand(kSweepScopes)) {
        for (const auto& [axis, value] : choice) (void)axis_value_json(find_axis(axis), value);
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
