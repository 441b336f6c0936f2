#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

/// One parameter of a named choice, as shown by `hotexpert list`.
struct ParamSpec {
  std::string_view name;
  double default_value;
  double min;
  double max;
  std::string_view help;  ///< one phrase with the unit
  /// Non-empty: the parameter is one of these words, separated by '|', and its value is the word's
  /// index.
  std::string_view words = {};
};

/// A name with parameters, as written inline: "zipf:exponent=1.2" or "hot:experts=2:share=0.5".
/// Every parameter of the specification has a value, the default where the user gave none.
class NamedChoice {
 public:
  /// Splits `text` and checks names and ranges against `specs`.
  /// @param family what it is, in words: "skew model"
  /// @throws UsageError for an unknown, repeated or malformed parameter, or a value out of range.
  static NamedChoice parse(std::string_view text, std::span<const ParamSpec> specs,
                           std::string_view family);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// @throws std::logic_error if the specification has no such parameter (a bug of the caller).
  [[nodiscard]] double get(std::string_view param) const;
  [[nodiscard]] std::int64_t get_integer(std::string_view param) const;
  [[nodiscard]] std::string_view get_word(std::string_view param) const;
  void set(std::string_view param, double value);
  /// Canonical text, only parameters that differ from their default: "zipf:exponent=1.2".
  [[nodiscard]] std::string to_string() const;

 private:
  [[nodiscard]] std::size_t index_of(std::string_view param) const;

  std::string name_;
  std::span<const ParamSpec> specs_;
  std::vector<double> values_;
};

/// The part of "zipf:exponent=1.2" before the first ':'.
std::string_view choice_name(std::string_view text);

/// Reads a double in any locale. @throws UsageError naming `what` and the text.
double parse_double(std::string_view text, std::string_view what);
/// Reads a whole number in any locale. @throws UsageError naming `what` and the text.
std::int64_t parse_integer(std::string_view text, std::string_view what);

}  // namespace hotexpert
