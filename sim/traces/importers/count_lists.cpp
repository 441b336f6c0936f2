#include "sim/traces/importers/count_lists.hpp"

#include <fmt/format.h>

#include "sim/base/errors.hpp"
#include "sim/traces/importers/axes.hpp"

namespace hotexpert::formats {

void CountLists::append(const Json& item, std::size_t depth) {
  if (depth == shape_.size() && item.is_number()) {
    values_.push_back(item.as_double());
    return;
  }
  if (depth == shape_.size() || !item.is_array() ||
      static_cast<std::int64_t>(item.as_array().size()) != shape_[depth]) {
    throw InputError(fmt::format("{} is ragged: its lists differ in length or depth", origin_));
  }
  for (const auto& inner : item.as_array()) append(inner, depth + 1);
}

void CountLists::add(const Json& item) {
  if (shape_.empty()) {
    shape_.push_back(0);
    for (const Json* list = &item; list->is_array(); list = &list->as_array().front()) {
      shape_.push_back(static_cast<std::int64_t>(list->as_array().size()));
      if (list->as_array().empty()) break;
    }
  }
  append(item, 1);
  ++shape_.front();
}

LoadMatrix CountLists::finish() {
  return loads_from_array(owned_array(std::move(values_), shape_), origin_);
}

}  // namespace hotexpert::formats
