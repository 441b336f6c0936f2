#include "reports/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace hotexpert {
namespace {

/// All these points have one value of the axis, or none.
bool is_constant(const Comparison& comparison, const std::vector<std::size_t>& points,
                 std::size_t axis) {
  return std::all_of(points.begin(), points.end(), [&](std::size_t i) {
    return comparison.points[i].values[axis] == comparison.points[points.front()].values[axis];
  });
}

bool named_by(const std::string& axis, const std::vector<std::string_view>& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return axis == name || (name.back() == '.' && axis.compare(0, name.size(), name) == 0);
  });
}

bool is_eligible(const ComparedPoint& point, const ViewSpec& spec) {
  if (point.result.outcome != Outcome::kOk) return false;
  if (!spec.x.empty() && std::isnan(x_of(point, spec.x))) return false;
  for (const auto metric : spec.metrics) {
    if (point.result.find(metric) == nullptr) return false;
  }
  const bool has_series =
      std::all_of(spec.series.begin(), spec.series.end(), [&](std::string_view wanted) {
        return std::any_of(point.result.series.begin(), point.result.series.end(),
                           [&](const auto& series) { return series.metric == wanted; });
      });
  return has_series && (spec.also == nullptr || spec.also(point.result));
}

/// Values are sorted: numbers first, then "none", then words.
std::size_t preferred(const ComparedAxis& axis, const std::vector<std::size_t>& present) {
  const auto none = std::find_if(present.begin(), present.end(), [&](std::size_t value) {
    return value != kNone && axis.values[value] == Json("none");
  });
  if (axis.name == "capacity.factor" && none != present.end()) return *none;
  if (axis.name == "capacity.factor" || axis.name == "step.tokens")
    return *std::max_element(present.begin(), present.end());
  return *std::min_element(present.begin(), present.end());
}

std::string line_label(const Comparison& comparison, const View& view, std::size_t point) {
  std::string label;
  for (const std::size_t axis : view.line_axes) {
    const std::size_t value = comparison.points[point].values[axis];
    if (value == kNone) continue;
    const auto& info = comparison.axes[axis];
    if (!label.empty()) label += ", ";
    // A number alone would not say what it is.
    if (info.values[value].is_number()) label += info.name.substr(info.name.find('.') + 1) + " ";
    label += display(info.values[value]);
  }
  return label;
}

}  // namespace

double x_of(const ComparedPoint& point, std::string_view x) {
  if (const auto* measurement = point.result.find(x)) return measurement->value;
  for (const auto& [axis, value] : point.result.point) {
    if (axis == x && value.is_number()) return value.as_double();
  }
  return std::numeric_limits<double>::quiet_NaN();
}

View make_view(const Comparison& comparison, const ViewSpec& spec) {
  View view;
  view.x = spec.x;
  const bool applies = spec.needs.empty() || std::any_of(spec.needs.begin(), spec.needs.end(),
                                                         [&](std::string_view axis) {
                                                           return comparison.axis(axis) != kNone;
                                                         });
  for (std::size_t i = 0; applies && i < comparison.points.size(); ++i) {
    if (is_eligible(comparison.points[i], spec)) view.eligible.push_back(i);
  }
  std::vector<std::size_t> shown = view.eligible;
  for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
    const auto& info = comparison.axes[axis];
    if (named_by(info.name, spec.along) || info.name == spec.x) {
      view.along.push_back(axis);
    } else if (named_by(info.name, spec.lines)) {
      // A value that all share tells nothing apart; labels stay short.
      if (!is_constant(comparison, view.eligible, axis)) view.line_axes.push_back(axis);
    } else if (!shown.empty()) {
      std::vector<std::size_t> present;
      for (const std::size_t i : shown) present.push_back(comparison.points[i].values[axis]);
      const std::size_t value = named_by(info.name, spec.least)
                                    ? *std::min_element(present.begin(), present.end())
                                    : preferred(info, present);
      view.focus.emplace_back(axis, value);
      std::erase_if(shown,
                    [&](std::size_t i) { return comparison.points[i].values[axis] != value; });
    }
  }
  std::map<std::vector<std::size_t>, std::size_t> line_of;
  for (const std::size_t i : shown) {
    std::vector<std::size_t> key;
    for (const std::size_t axis : view.line_axes) key.push_back(comparison.points[i].values[axis]);
    const auto [where, is_new] = line_of.emplace(key, view.lines.size());
    if (is_new) view.lines.push_back({line_label(comparison, view, i), {}});
    view.lines[where->second].points.push_back(i);
  }
  for (auto& line : view.lines) {
    std::stable_sort(line.points.begin(), line.points.end(), [&](std::size_t a, std::size_t b) {
      return x_of(comparison.points[a], spec.x) < x_of(comparison.points[b], spec.x);
    });
  }
  return view;
}

std::string focus_text(const Comparison& comparison, const View& view) {
  std::string text;
  for (const auto& [axis, value] : view.focus) {
    if (value == kNone) continue;
    const auto& info = comparison.axes[axis];
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", info.name, display(info.values[value]));
  }
  return text;
}

}  // namespace hotexpert
