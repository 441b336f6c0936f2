#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/errors.hpp"

namespace hotexpert {

/// The known name nearest to `name` by edit distance, or "" when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& known);

/// "unknown skew model 'zip'; did you mean 'zipf'? Known: uniform, zipf, hot"
std::string unknown_name_message(std::string_view family, std::string_view name,
                                 const std::vector<std::string_view>& known);

/// Names of all rows of a family's list. A row is any struct with a `name`.
template <class Rows>
std::vector<std::string_view> row_names(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

/// The row called `name`.
/// @param family what the rows are, in words: "skew model"
/// @throws UsageError listing the known names and the nearest one.
template <class Rows>
const auto& find_row(const Rows& rows, std::string_view family, std::string_view name) {
  for (const auto& row : rows) {
    if (row.name == name) return row;
  }
  throw UsageError(unknown_name_message(family, name, row_names(rows)));
}

}  // namespace hotexpert
