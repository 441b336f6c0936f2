#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reports/comparison.hpp"
#include "reports/embedded_series.hpp"
#include "reports/view.hpp"

namespace hotexpert {

/// A table as all exporters show it: every cell is already text.
struct Table {
  struct Column {
    std::string title;  ///< with the unit: "layer time, ms"
    bool numeric = false;
  };
  struct Row {
    std::size_t point = kNone;  ///< index into Comparison::points, where the row is one point
    std::vector<std::string> cells;
  };
  std::string caption;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::size_t left_out = 0;  ///< rows beyond kMaxTableRows
};

inline constexpr std::size_t kMaxTableRows = 500;

/// A plain sentence with numbers and the chart that shows them. `code` marks names.
struct Finding {
  std::string chart;   ///< id of a section, or "points"
  std::string figure;  ///< the number that matters most, for large print: "3.10x"
  std::string text;
};

/// A name from a result as `code` inside a finding; nothing in it can end the code.
std::string code_name(const std::string& name);

/// "a, b, c, d and 36 more": a sentence stays readable when a run has many kernels.
std::string enumerate(const std::vector<std::string>& parts);

/// Sections stand together in groups, in this order; each group has a heading and a place in the
/// page's navigation.
enum class SectionGroup : std::uint8_t {
  kTime,
  kLoad,
  kDrops,
  kBalance,
  kRanks,
  kInside,
  kModel,
};
std::string_view title(SectionGroup group);

/// A part of the report: one chart, its table and what can be said of it. reports/README.md says
/// how to add one.
struct ReportSection {
  std::string_view id;  ///< of the chart, in the page and in findings
  SectionGroup group;
  std::string_view title;
  std::string_view how_to_read;  ///< one or two sentences
  ViewSpec (*view)();            ///< the section is shown where its view has points
  Table (*table)(const Comparison&, const View&);
  void (*findings)(const Comparison&, const View&, std::vector<Finding>&) = nullptr;
  std::vector<SeriesRequest> (*series)() = nullptr;  ///< arrays its chart is drawn from
};

/// Every section, in the order of the page: group by group.
std::span<const ReportSection* const> report_sections();

/// What can be said of the runs, most important first. Nothing is said that intervals do not
/// support.
std::vector<Finding> findings(const Comparison& comparison);

/// One row a point: the axes that vary, then for each metric its value and, where any point has
/// one, its 95 % interval. Points of the view's focus come first.
Table point_table(const Comparison& comparison, const View& view, std::string caption,
                  const std::vector<std::string_view>& metrics);

/// Every point with its outcome and its main metrics.
Table all_points_table(const Comparison& comparison);

}  // namespace hotexpert
