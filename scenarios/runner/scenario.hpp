#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/runner/axes.hpp"
#include "sim/base/json.hpp"

namespace hotexpert {

/// The values chosen for every axis of one point, as canonical text.
using AxisChoice = std::map<std::string_view, std::string>;

/// An experiment: a title and the values of each axis. What is not set has its axis' default.
class Scenario {
 public:
  std::string title;
  std::string description;
  std::string origin;  ///< path of the scenario file, for messages

  /// Sets the values of an axis from their text, see parse_axis_values().
  /// @param where "quickstart.toml:9:10" or "--kernel", for messages; empty for none
  void set(std::string_view axis, std::string_view values, std::string_view where);
  /// The values of an axis: what was set, or its default.
  [[nodiscard]] std::vector<std::string> values(const AxisRow& axis) const;
  [[nodiscard]] bool is_set(std::string_view axis) const {
    return values_.count(std::string(axis)) > 0;
  }

  /// Number of points: the product over axes of their values (capped at 2^62).
  [[nodiscard]] std::int64_t point_count(std::initializer_list<AxisScope> scopes) const;
  /// Every combination of values of the axes in `scopes`, in table order, the last axis fastest.
  [[nodiscard]] std::vector<AxisChoice> expand(std::initializer_list<AxisScope> scopes) const;
  /// {axis: [values]} of the axes in `scopes`, defaults included: the resolved scenario of the
  /// manifest.
  [[nodiscard]] Json resolved(std::initializer_list<AxisScope> scopes) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// The axes of a sweep: seed, layer, trace and its reading, capacity, run, expert parallelism.
inline constexpr std::initializer_list<AxisScope> kSweepScopes = {
    AxisScope::kSeed,     AxisScope::kLayer, AxisScope::kTrace,   AxisScope::kRecording,
    AxisScope::kCapacity, AxisScope::kRun,   AxisScope::kParallel};

/// The axes of the router lab.
inline constexpr std::initializer_list<AxisScope> kTrainScopes = {AxisScope::kSeed,
                                                                  AxisScope::kTraining};

}  // namespace hotexpert
