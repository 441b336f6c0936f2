#include "sim/base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "sim/base/errors.hpp"
#include "sim/base/json_items.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxDepth = 200;

/// Builds a Json value from nlohmann's events; refuses duplicate keys, NaN-producing overflow and
/// deep nesting.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, std::string_view origin) : text_(text), origin_(origin) {}

  /// Items of the root's lists and tables named so go to their `visit` instead of into the value.
  void hand_over(const std::vector<JsonItems>& parts) { parts_ = parts; }

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(std::int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return add(Json(static_cast<double>(value)));
    }
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (!std::isfinite(value)) fail(fmt::format("the number {} is out of range", text));
    return add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool key(string_t& value) override {
    if (!keys_.back().insert(value).second)
      fail(fmt::format("the key \"{}\" appears twice", value));
    pending_key_.back() = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    std::size_t line = 1;
    std::size_t column = 1;
    for (std::size_t i = 0; i + 1 < position && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      if (text_[i] == '\n') ++line;
    }
    throw InputError(
        fmt::format("{}:{}:{}: this is not valid JSON here (cut off, or not JSON at all?)", origin_,
                    line, column));
  }

  Json take() { return std::move(root_); }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: {}", origin_, what));
  }

  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.size() == visited_depth_) {
      visited_->visit(value, pending_key_.back());
    } else if (stack_.back().is_array()) {
      stack_.back().push(std::move(value));
    } else {
      append_member(std::move(pending_key_.back()), std::move(value));
    }
    return true;
  }

  // The keys seen are kept in a set beside each object, so an append needs no search.
  void append_member(std::string key, Json value) {
    members_.back().emplace_back(std::move(key), std::move(value));
  }

  bool open(Json value) {
    if (stack_.size() >= kMaxDepth)
      fail(fmt::format("nesting is deeper than {} levels", kMaxDepth));
    const bool is_part = stack_.size() == 1 && stack_.back().is_object();
    const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const JsonItems& items) {
      return is_part && items.key == pending_key_.back();
    });
    stack_.push_back(std::move(value));
    if (part != parts_.end()) {
      visited_ = &*part;
      visited_depth_ = stack_.size();
    }
    keys_.emplace_back();
    pending_key_.emplace_back();
    members_.emplace_back();
    return true;
  }

  bool close() {
    if (stack_.size() == visited_depth_) visited_depth_ = 0;
    Json value = std::move(stack_.back());
    if (value.is_object()) value = Json(std::move(members_.back()));
    stack_.pop_back();
    keys_.pop_back();
    pending_key_.pop_back();
    members_.pop_back();
    return add(std::move(value));
  }

  std::string_view text_;
  std::string_view origin_;
  Json root_;
  std::vector<Json> stack_;
  std::vector<std::set<std::string>> keys_;
  std::vector<std::string> pending_key_;
  std::vector<Json::Object> members_;
  std::span<const JsonItems> parts_;
  const JsonItems* visited_ = nullptr;
  std::size_t visited_depth_ = 0;  // of the stack inside the visited part; 0 = outside
};

void append_string(std::string& out, const std::string& value) {
  // nlohmann escapes control characters and replaces invalid UTF-8 by U+FFFD. U+2028/9 are legal
  // JSON.
  out += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void newline(std::string& out, int indent, int depth) {
  if (indent == 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
}

void append(std::string& out, const Json& value, int indent, int depth) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_integer()) {
    out += fmt::format("{}", value.as_integer());
  } else if (value.is_number()) {
    const double number = value.as_double();
    if (!std::isfinite(number))
      throw Error(ExitCode::kOutputFailed, "a result is NaN or infinite: please report this");
    const bool negative_zero = number == 0 && std::signbit(number);
    out += negative_zero ? "-0.0" : shortest(number);  // "-0" would read back as the integer 0
  } else if (value.is_string()) {
    append_string(out, value.as_string());
  } else if (value.is_array()) {
    const auto& items = value.as_array();
    const bool flat = items.empty() || !(items.front().is_array() || items.front().is_object());
    out += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ',';
      if (!flat) newline(out, indent, depth + 1);
      append(out, items[i], indent, depth + 1);
    }
    if (!flat) newline(out, indent, depth);
    out += ']';
  } else {
    const auto& members = value.as_object();
    out += '{';
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out += ',';
      newline(out, indent, depth + 1);
      append_string(out, members[i].first);
      out += indent > 0 ? ": " : ":";
      append(out, members[i].second, indent, depth + 1);
    }
    if (!members.empty()) newline(out, indent, depth);
    out += '}';
  }
}

const char* type_name(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "true/false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

[[noreturn]] void wrong_type(const char* wanted, const Json& found) {
  throw InputError(fmt::format("expected {}, found {}", wanted, type_name(found)));
}

}  // namespace

std::string shortest(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, result.ptr};
}

Json Json::parse(std::string_view text, std::string_view origin) {
  Builder builder(text, origin);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

Json parse_json_items(std::string_view text, std::string_view origin,
                      const std::vector<JsonItems>& parts) {
  Builder builder(text, origin);
  builder.hand_over(parts);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string Json::dump(int indent) const {
  std::string out;
  append(out, *this, indent, 0);
  return out;
}

bool Json::as_bool() const {
  if (!is_bool()) wrong_type("true/false", *this);
  return std::get<bool>(value_);
}

std::int64_t Json::as_integer() const {
  if (is_integer()) return std::get<std::int64_t>(value_);
  if (!is_number()) wrong_type("a whole number", *this);
  const double number = std::get<double>(value_);
  if (number != std::floor(number) || std::fabs(number) > 9007199254740992.0) {
    throw InputError(fmt::format("expected a whole number, found {}", shortest(number)));
  }
  return static_cast<std::int64_t>(number);
}

double Json::as_double() const {
  if (is_integer()) return static_cast<double>(std::get<std::int64_t>(value_));
  if (!is_number()) wrong_type("a number", *this);
  return std::get<double>(value_);
}

const std::string& Json::as_string() const {
  if (!is_string()) wrong_type("a string", *this);
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  if (!is_array()) wrong_type("an array", *this);
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  if (!is_object()) wrong_type("an object", *this);
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr) throw InputError(fmt::format("the key \"{}\" is missing", key));
  return *value;
}

Json& Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  if (!is_object()) wrong_type("an object", *this);
  for (auto& member : std::get<Object>(value_)) {
    if (member.first == key) {
      member.second = std::move(value);
      return *this;
    }
  }
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  if (!is_array()) wrong_type("an array", *this);
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

}  // namespace hotexpert
