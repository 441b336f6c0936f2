#pragma once

#include <map>
#include <string>

#include "reports/section.hpp"

// Pieces of the report page. All text goes through html_text().

namespace hotexpert {

/// A table with caption and scopes inside <details>. Rows of a point carry its index for the
/// filters.
std::string table_html(const Table& table, bool open);

/// A box with each warning and the number of points that have it; "" when there is none.
std::string warnings_html(const std::map<std::string, int>& counts);

/// <dt>/<dd> pairs of an object's members, nested keys joined by dots.
std::string facts_html(const Json& object, const std::string& prefix);

}  // namespace hotexpert
