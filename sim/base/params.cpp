#include "sim/base/params.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <stdexcept>

#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

double read_value(const ParamSpec& spec, std::string_view text, std::string_view where) {
  if (!spec.words.empty()) {
    const auto words = split(spec.words, '|');
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == text) return static_cast<double>(i);
    }
    throw UsageError(fmt::format("{}: '{}' is not one of {}", where, text, fmt::join(words, ", ")));
  }
  const double value = parse_double(text, where);
  if (!(value >= spec.min && value <= spec.max)) {
    throw UsageError(fmt::format("{}: {} is outside {} to {}", where, text, shortest(spec.min),
                                 shortest(spec.max)));
  }
  return value;
}

}  // namespace

std::string_view choice_name(std::string_view text) { return text.substr(0, text.find(':')); }

double parse_double(std::string_view text, std::string_view what) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) {
    throw UsageError(fmt::format("{}: '{}' is not a number", what, text));
  }
  return value;
}

std::int64_t parse_integer(std::string_view text, std::string_view what) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) {
    throw UsageError(fmt::format("{}: '{}' is not a whole number", what, text));
  }
  return value;
}

NamedChoice NamedChoice::parse(std::string_view text, std::span<const ParamSpec> specs,
                               std::string_view family) {
  const auto parts = split(text, ':');
  NamedChoice choice;
  choice.name_ = parts.front();
  choice.specs_ = specs;
  for (const auto& spec : specs) choice.values_.push_back(spec.default_value);
  std::vector<bool> given(specs.size(), false);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) {
      throw UsageError(fmt::format("{} '{}': '{}' is not name=value", family, text, parts[i]));
    }
    const auto& spec = find_row(specs, fmt::format("parameter of {} '{}'", family, choice.name_),
                                parts[i].substr(0, equals));
    const auto index = static_cast<std::size_t>(&spec - specs.data());
    if (given[index])
      throw UsageError(fmt::format("{} '{}': '{}' is given twice", family, text, spec.name));
    given[index] = true;
    choice.values_[index] =
        read_value(spec, parts[i].substr(equals + 1),
                   fmt::format("{} '{}', parameter '{}'", family, choice.name_, spec.name));
  }
  return choice;
}

std::size_t NamedChoice::index_of(std::string_view param) const {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (specs_[i].name == param) return i;
  }
  throw std::logic_error(fmt::format("'{}' has no parameter '{}'", name_, param));
}

double NamedChoice::get(std::string_view param) const { return values_[index_of(param)]; }

std::int64_t NamedChoice::get_integer(std::string_view param) const {
  return static_cast<std::int64_t>(std::llround(get(param)));
}

std::string_view NamedChoice::get_word(std::string_view param) const {
  const std::size_t index = index_of(param);
  return split(specs_[index].words, '|').at(static_cast<std::size_t>(values_[index]));
}

void NamedChoice::set(std::string_view param, double value) { values_[index_of(param)] = value; }

std::string NamedChoice::to_string() const {
  std::string text = name_;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (values_[i] == specs_[i].default_value) continue;
    text += specs_[i].words.empty()
                ? fmt::format(":{}={}", specs_[i].name, shortest(values_[i]))
                : fmt::format(":{}={}", specs_[i].name, get_word(specs_[i].name));
  }
  return text;
}

}  // namespace hotexpert
