#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/comparison.hpp"

namespace hotexpert {

/// How a chart lays points out. An axis is named in full or by its first part ("skew.").
struct ViewSpec {
  std::string_view x{};                     ///< a metric or an axis; "" when x is neither
  std::vector<std::string_view> along{};    ///< axes that x stands for: all their values are shown
  std::vector<std::string_view> lines{};    ///< axes that tell lines apart
  std::vector<std::string_view> metrics{};  ///< a point needs all of them …
  std::vector<std::string_view> series{};   ///< … all of these series …
  std::vector<std::string_view> needs{};    ///< one of these axes must vary; empty = none
  std::vector<std::string_view> least{};    ///< axes whose focus is the smallest value
  bool (*also)(const PointResult&) = nullptr;  ///< … and this, asked last; nullptr = nothing more
};

/// Points that differ along x only, by rising x.
struct Line {
  std::string label;  ///< "padded", "padded, 4096"; "" when there is one line
  std::vector<std::size_t> points;
};

/// The points a chart can show, and those it shows first. Axes that are neither along x nor lines
/// have one value at a time, the focus; the page's filters change it.
struct View {
  std::string_view x;  ///< of the spec
  std::vector<std::size_t> eligible;
  std::vector<std::size_t> along;                          ///< axes, as indices
  std::vector<std::size_t> line_axes;                      ///< axes, as indices
  std::vector<std::pair<std::size_t, std::size_t>> focus;  ///< axis, value
  std::vector<Line> lines;                                 ///< of the focus
};

/// Chooses the focus: the dropless value or else the largest capacity factor, the most tokens, of
/// other axes the first value.
View make_view(const Comparison& comparison, const ViewSpec& spec);

/// The x coordinate: the metric's value or the axis' number; NaN where a point has none.
double x_of(const ComparedPoint& point, std::string_view x);

/// "capacity.factor none, step.tokens 4096"; "" when nothing is fixed
std::string focus_text(const Comparison& comparison, const View& view);

}  // namespace hotexpert
