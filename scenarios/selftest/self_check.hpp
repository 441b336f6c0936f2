#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hotexpert {

enum class SelfCheckGroup : std::uint8_t {
  kKernels,  ///< every expert kernel against fp64
  kOracles,  ///< results whose value is known in closed form
  kDigest,   ///< results that must be equal on every machine, build and thread count
  kTiming,   ///< the real clock and the gate on it: seconds to a minute, on a quiet machine
};
std::string_view name(SelfCheckGroup group);  ///< "kernels", "oracles", "digest", "timing"

/// One answer: |found - expected| <= tolerance, or skipped with the reason.
struct SelfCheckAnswer {
  std::string what;  ///< "grouped, bf16, swiglu: largest expert error"
  double found = 0;
  double expected = 0;
  double tolerance = 0;
  std::string note = {};     ///< what to know or to try; for the digest the digest
  std::string skipped = {};  ///< the reason; empty = it ran

  /// NaN is wrong.
  [[nodiscard]] bool ok() const {
    return !skipped.empty() || (found - expected <= tolerance && expected - found <= tolerance);
  }
};

/// One row of the self test: a file in scenarios/selftest and a row in self_checks.cpp.
struct SelfCheckRow {
  std::string_view name;
  SelfCheckGroup group;
  std::string_view summary;
  std::vector<SelfCheckAnswer> (*run)();
};

/// Every check, group by group.
std::span<const SelfCheckRow> self_checks();

// The rows' functions.
std::vector<SelfCheckAnswer> check_kernels();
std::vector<SelfCheckAnswer> check_binomial_drops();
std::vector<SelfCheckAnswer> check_uniform_router();
std::vector<SelfCheckAnswer> check_eplb_reference();
std::vector<SelfCheckAnswer> check_stability_threshold();
std::vector<SelfCheckAnswer> check_digest();
std::vector<SelfCheckAnswer> check_trained_digest();
std::vector<SelfCheckAnswer> check_known_waits();
std::vector<SelfCheckAnswer> check_loaded_core();
std::vector<SelfCheckAnswer> check_gate_on_equals();
std::vector<SelfCheckAnswer> check_gate_on_slowdown();

}  // namespace hotexpert
