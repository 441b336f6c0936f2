#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hotexpert {

/// A JSON value with ordered object keys. Small on purpose: readers and writers of results share
/// it, while the parser (nlohmann-json's SAX interface) stays in json.cpp.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(std::nullptr_t) {}                                  // NOLINT(google-explicit-constructor)
  Json(bool value) : value_(value) {}                      // NOLINT(google-explicit-constructor)
  Json(int value) : value_(std::int64_t{value}) {}         // NOLINT(google-explicit-constructor)
  Json(std::int64_t value) : value_(value) {}              // NOLINT(google-explicit-constructor)
  Json(double value) : value_(value) {}                    // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Json(std::string_view value)
      : value_(std::string(value)) {}                    // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Json(Array value) : value_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Json(Object value) : value_(std::move(value)) {}       // NOLINT(google-explicit-constructor)

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }
  /// An array of numbers.
  template <class Range>
  static Json array_of(const Range& values) {
    Array out;
    out.reserve(values.size());
    for (const auto& value : values) out.emplace_back(value);
    return Json(std::move(out));
  }

  /// Reads one JSON document.
  /// @param origin names the text in errors, e.g. the file's path
  /// @throws InputError with line and column on a syntax error, a duplicate key, a number out of
  /// range, more than
  ///         200 levels of nesting, or text after the document.
  static Json parse(std::string_view text, std::string_view origin);

  /// One line without spaces, or indented by `indent` spaces. Doubles are printed with the fewest
  /// digits that read back equal (at most 17). @throws Error if a number is NaN or infinite: such a
  /// value is a bug of its producer.
  [[nodiscard]] std::string dump(int indent = 0) const;

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_number() const {
    return is_integer() || std::holds_alternative<double>(value_);
  }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Readers: @throws InputError "expected a number, found a string" when the type differs.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_integer() const;  ///< also a double that is a whole number
  [[nodiscard]] double as_double() const;
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Array& as_array() const;
  [[nodiscard]] const Object& as_object() const;

  /// The member called `key`, or nullptr. @throws InputError if this is not an object.
  [[nodiscard]] const Json* find(std::string_view key) const;
  /// The member called `key`. @throws InputError naming the key if it is missing.
  [[nodiscard]] const Json& at(std::string_view key) const;
  /// Sets a member of an object (null becomes an object), replacing an earlier one of the same key.
  Json& set(std::string key, Json value);
  /// Appends to an array (null becomes an array).
  Json& push(Json value);

  friend bool operator==(const Json&, const Json&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// The fewest digits that read back as the same double ("0.1", "1e-300"), independent of the
/// locale.
std::string shortest(double value);

}  // namespace hotexpert
