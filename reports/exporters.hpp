#pragma once

#include <span>
#include <string>
#include <string_view>

#include "reports/comparison.hpp"

namespace hotexpert {

/// A format that a comparison can be written in.
struct ExporterRow {
  std::string_view name;  ///< also the file's extension: "html"
  std::string_view summary;
  std::string (*render)(const Comparison&);
};

/// html, md, csv, json
std::span<const ExporterRow> exporters();

/// The exporter for an output path, by its extension.  @throws UsageError listing the known ones
const ExporterRow& exporter_for(std::string_view path);

/// Renders and writes `path` in one step: a reader never sees half of it.
/// @throws UsageError for an unknown extension, OutputError
void write_report(const Comparison& comparison, const std::string& path);

/// One self-contained page: verdict, charts, a table under each chart, environment, scenario.
std::string render_html(const Comparison& comparison);
/// Findings, then tables for a pull request: median, ± and delta; `~` where the intervals cannot
/// tell.
std::string render_markdown(const Comparison& comparison);
/// RFC 4180: one row a point, SI units in the header, fixed axes repeated in every row.
std::string render_csv(const Comparison& comparison);
/// Everything; {"rows": [{axis: value, …, metric: value, …}]} is what `report RUN --json` prints.
std::string render_json(const Comparison& comparison);

}  // namespace hotexpert
