#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hotexpert {

enum class AxisKind : std::uint8_t {
  kInteger,  ///< whole number >= minimum
  kDecimal,  ///< exact decimal, or one of `words`
  kText,     ///< a name, a choice with parameters, or a path
  kWord,     ///< one of `words`
};

/// What an axis decides. Points of a command hold only the axes of its scopes, and a trace is keyed
/// by trace axes alone, so that every arm of a comparison sees identical tokens.
enum class AxisScope : std::uint8_t {
  kSeed,
  kLayer,
  kTrace,
  kRecording,  ///< how a recorded file is read
  kCapacity,
  kRun,
  kParallel,
  kTraining
};

/// One knob: its flag `--name`, TOML key, default, unit, help, result column and label, in one row.
struct AxisRow {
  std::string_view name;
  AxisScope scope;
  AxisKind kind;
  std::string_view default_value;
  std::string_view unit;
  std::string_view label;    ///< a few words for charts and tables
  std::string_view help;     ///< one phrase
  std::int64_t minimum = 0;  ///< of kInteger
  std::string_view words =
      {};  ///< of kWord, or further words of kInteger and kDecimal; separated by '|'
};

/// Every axis, in the order in which points nest (the last varies fastest).
std::span<const AxisRow> axes();

/// The row called `name`. @throws UsageError with the nearest name.
const AxisRow& find_axis(std::string_view name);

}  // namespace hotexpert
