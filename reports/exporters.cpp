#include "reports/exporters.hpp"

#include <array>

#include "sim/base/output_file.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kExporters = {
    ExporterRow{"html", "one self-contained page with charts and tables", render_html},
    ExporterRow{"md", "Markdown for a pull request: median, ±, delta, ~", render_markdown},
    ExporterRow{"csv", "RFC 4180, one row a point, units in the header", render_csv},
    ExporterRow{"json", "everything, tables under \"rows\"", render_json},
};

}  // namespace

std::span<const ExporterRow> exporters() { return kExporters; }

const ExporterRow& exporter_for(std::string_view path) {
  const std::size_t dot = path.find_last_of("./");
  const bool has_extension = dot != std::string_view::npos && path[dot] == '.';
  return find_row(kExporters, "report format", has_extension ? path.substr(dot + 1) : "");
}

void write_report(const Comparison& comparison, const std::string& path) {
  write_file(system_files(), path, exporter_for(path).render(comparison));
}

}  // namespace hotexpert
