#pragma once

#include <functional>
#include <string_view>

#include "sim/base/json.hpp"

namespace hotexpert {

/// Json::parse() of a document too long to hold: the items of the array that the outermost object
/// calls `key` are handed to `visit` one by one as they are read, and are not in the result, where
/// the array is empty.   @throws InputError as Json::parse(), then after some items were visited
Json parse_json_items(std::string_view text, std::string_view origin, std::string_view key,
                      const std::function<void(const Json& item)>& visit);

}  // namespace hotexpert
