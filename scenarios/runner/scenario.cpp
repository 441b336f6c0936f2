#include "scenarios/runner/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/runner/axis_values.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

bool contains(std::initializer_list<AxisScope> scopes, AxisScope scope) {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

}  // namespace

void Scenario::set(std::string_view axis, std::string_view values, std::string_view where) {
  try {
    const AxisRow& row = find_axis(axis);
    values_.insert_or_assign(std::string(row.name), parse_axis_values(row, values));
  } catch (const UsageError& error) {
    throw UsageError(where.empty() ? error.what() : fmt::format("{}: {}", where, error.what()));
  }
}

std::vector<std::string> Scenario::values(const AxisRow& axis) const {
  const auto found = values_.find(axis.name);
  return found == values_.end() ? std::vector{std::string(axis.default_value)} : found->second;
}

std::int64_t Scenario::point_count(std::initializer_list<AxisScope> scopes) const {
  std::int64_t count = 1;
  for (const auto& axis : axes()) {
    if (!contains(scopes, axis.scope)) continue;
    const auto size = static_cast<std::int64_t>(values(axis).size());
    if (count > (std::int64_t{1} << 62) / size) return std::int64_t{1} << 62;
    count *= size;
  }
  return count;
}

std::vector<AxisChoice> Scenario::expand(std::initializer_list<AxisScope> scopes) const {
  std::vector<AxisChoice> points(1);
  for (const auto& axis : axes()) {
    if (!contains(scopes, axis.scope)) continue;
    std::vector<AxisChoice> next;
    for (const auto& point : points) {
      for (const auto& value : values(axis)) {
        next.push_back(point);
        next.back()[axis.name] = value;
      }
    }
    points = std::move(next);
  }
  return points;
}

Json Scenario::resolved(std::initializer_list<AxisScope> scopes) const {
  Json out = Json::object();
  for (const auto& axis : axes()) {
    if (!contains(scopes, axis.scope)) continue;
    Json list = Json::array();
    for (const auto& value : values(axis)) list.push(axis_value_json(axis, value));
    out.set(std::string(axis.name), std::move(list));
  }
  return out;
}

}  // namespace hotexpert
