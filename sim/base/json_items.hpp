#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/json.hpp"

namespace hotexpert {

/// A list or a table that is read item by item, by the key it has in the outermost object.
struct JsonItems {
  std::string_view key;
  /// Called with each item as it is read.   @param name the item's own key in a table; "" in a list
  std::function<void(const Json& item, const std::string& name)> visit;
};

/// Json::parse() of a document too long to hold: the items of `parts` are handed over one by one as
/// they are read, and are not in the result, where their list or table is empty.
/// @throws InputError as Json::parse(), then after some items were visited
Json parse_json_items(std::string_view text, std::string_view origin,
                      const std::vector<JsonItems>& parts);

}  // namespace hotexpert
