#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "sim/base/errors.hpp"
#include "sim/base/json.hpp"
#include "sim/traces/importers/importer.hpp"

namespace hotexpert::formats {

/// Collects routing that arrives token by token or layer by layer, from text formats.
class TokenTable {
 public:
  explicit TokenTable(std::string origin) : origin_(std::move(origin)) {}

  /// Appends a token to a layer (any id; layers of the result are in ascending order). No ids: the
  /// token chose no expert there.
  /// @param weights as many as ids, or empty
  void add(std::int64_t layer, std::span<const std::int64_t> ids, std::span<const double> weights);
  /// Ends a step: layers that have fewer tokens than another get absent ones, counted as missing.
  void end_step();
  /// Notes the source rank or request of the tokens added since the last call, by the fullest
  /// layer.
  void mark_tokens(std::vector<std::int32_t>& marks, std::int32_t value);

  [[nodiscard]] std::int64_t tokens() const;  ///< of the fullest layer
  [[nodiscard]] std::int64_t tokens_of(std::int64_t layer) const;
  [[nodiscard]] std::int64_t missing() const { return missing_; }

  /// The arrays [tokens, layers, k], k = the most slots of any token, absent slots -1; weights if
  /// every token had them; step offsets if end_step() was called more than once.
  /// @throws InputError when there is no token
  [[nodiscard]] TraceArrays finish();

 private:
  /// @throws InputError when tokens * layers * slots is far more than the ids given
  void check_density() const;

  /// Tokens one behind the other: those of token t end at ends[t].
  struct Layer {
    std::vector<std::int32_t> ids;
    std::vector<float> weights;  // as many as ids, 0 where a token had none
    std::vector<std::size_t> ends;
  };

  std::string origin_;
  std::map<std::int64_t, Layer> layers_;
  std::vector<std::int64_t> step_ends_;
  std::size_t slots_ = 0;
  bool weighted_ = true;  // every token that has ids
  std::int64_t missing_ = 0;
};

/// Runs work(); an InputError that does not begin with `where` gets it in front, in place of
/// `origin`, which begins `where`.
template <class Work>
decltype(auto) located(const std::string& where, const std::string& origin, Work&& work) {
  try {
    return work();
  } catch (const InputError& error) {
    const std::string what = error.what();
    if (what.rfind(where, 0) == 0) throw;
    const bool named = what.rfind(origin + ": ", 0) == 0;
    throw InputError(where + (named ? what.substr(origin.size()) : ": " + what));
  }
}

/// The ids of a JSON row: whole numbers.   @throws InputError naming `where`
std::vector<std::int64_t> json_ids(const Json& row, const std::string& where);
std::vector<double> json_weights(const Json& row);

/// Calls visit(line, number) for every line that is not blank.
template <class Visit>
void for_each_line(std::string_view text, Visit&& visit) {
  std::int64_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) visit(line, number);
  }
}

/// Calls visit(json, where) for the JSON value of every line that is not blank; errors name the
/// line.
template <class Visit>
void for_each_json_line(std::string_view text, const std::string& origin, Visit&& visit) {
  for_each_line(text, [&](std::string_view line, std::int64_t number) {
    const std::string where = origin + ":" + std::to_string(number);
    located(where, origin, [&] { visit(Json::parse(line, where), where); });
  });
}

/// The first line that is not blank, or "".
std::string_view first_line(std::string_view text);

/// The recording of a finished table, with its missing tokens as a check.
Recording recording_from_table(TokenTable& table);

}  // namespace hotexpert::formats
