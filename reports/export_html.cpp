#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "reports/exporters.hpp"
#include "reports/page_data.hpp"
#include "reports/section.hpp"
#include "reports/text_escape.hpp"
#include "reports/web_bundle.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxWarnings = 20;

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto nibble = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (const char c : hex) {
    bits = bits << 4U | nibble(c);
    held += 4;
    if (held < 6) continue;
    held -= 6;
    out += digits[bits >> static_cast<unsigned>(held) & 63U];
  }
  if (held > 0) out += digits[bits << static_cast<unsigned>(6 - held) & 63U];
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

/// Only the page's own style and script, by their hashes; nothing is fetched, nothing is sent.
std::string policy() {
  std::string script = "'none'";
  if (!kWebBundle.script.empty())
    script = fmt::format("'sha256-{}'", base64_of_hex(kWebBundle.script_sha256));
  return fmt::format(
      "default-src 'none'; script-src {}; style-src 'sha256-{}'; img-src data: blob:; "
      "base-uri 'none'; form-action 'none'",
      script, base64_of_hex(kWebBundle.style_sha256));
}

std::string table_html(const Table& table, bool open) {
  std::string out = fmt::format(
      "<details class=\"table\"{}><summary>Table <span class=\"count\">{} rows</span>"
      "</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">"
      "<table><caption>{}</caption>\n<thead><tr>",
      open ? " open" : "", table.rows.size(), html_text(table.caption), html_text(table.caption));
  for (const auto& column : table.columns)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", column.numeric ? " class=\"number\"" : "",
                       html_text(column.title));
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += row.point == kNone ? "<tr>" : fmt::format("<tr data-p=\"{}\">", row.point);
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const char* tag = i == 0 ? "th scope=\"row\"" : "td";
      out += fmt::format("<{}{}>{}</{}>", tag, table.columns[i].numeric ? " class=\"number\"" : "",
                         html_text(row.cells[i]), i == 0 ? "th" : "td");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>";
  if (table.left_out > 0)
    out += fmt::format("<p>{} more rows are in the CSV and JSON forms of this report.</p>",
                       table.left_out);
  return out + "</details>\n";
}

/// Each different warning once, with the number of points that have it.
std::string warnings_html(const Comparison& comparison, const std::vector<std::size_t>& points,
                          const std::vector<std::string>& more) {
  std::map<std::string, int> counts;
  for (const auto& warning : more) ++counts[warning];
  for (const std::size_t i : points) {
    for (const auto& warning : comparison.points[i].result.warnings) ++counts[warning];
  }
  if (counts.empty()) return "";
  std::string out = "<div class=\"warnings\" role=\"note\"><strong>Warnings</strong><ul>\n";
  std::size_t shown = 0;
  for (const auto& [warning, count] : counts) {
    if (++shown > kMaxWarnings) break;
    out += "<li>" + html_with_code(warning);
    if (count > 1) out += fmt::format(" ({} points)", count);
    out += "</li>\n";
  }
  if (counts.size() > kMaxWarnings)
    out += fmt::format("<li>… and {} more</li>\n", counts.size() - kMaxWarnings);
  return out + "</ul></div>\n";
}

std::string section_html(const Comparison& comparison, const ReportSection& section) {
  const View view = make_view(comparison, section.view());
  if (view.eligible.empty()) return "";
  const bool has_charts = !kWebBundle.script.empty();
  std::string out = fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n"
      "<p>{2}</p>\n",
      section.id, html_text(section.title), html_text(section.how_to_read));
  if (has_charts) out += "<div class=\"chart\"></div>\n";
  // Only this section's points: a warning stands where its numbers are read.
  out += warnings_html(comparison, view.eligible, {});
  return out + table_html(section.table(comparison, view), !has_charts) + "</section>\n";
}

std::string verdict_html(const Comparison& comparison) {
  std::string out =
      "<section id=\"verdict\" aria-labelledby=\"verdict-title\">\n<h2 "
      "id=\"verdict-title\">Verdict</h2>\n";
  const auto said = findings(comparison);
  if (said.empty())
    out +=
        "<p>These points support no statement yet: a comparison needs two skews, capacity factors "
        "or kernels, and intervals need at least six samples.</p>\n";
  out += "<ul class=\"findings\">\n";
  for (const auto& finding : said)
    out += fmt::format(
        "<li><span class=\"figure\">{}</span><span>{} <a href=\"#{}\">see chart</a></span></li>\n",
        html_text(finding.figure), html_with_code(finding.text), finding.chart);
  return out + "</ul>\n" + warnings_html(comparison, {}, comparison.warnings) + "</section>\n";
}

void add_facts(const Json& object, const std::string& prefix, std::string& out) {
  for (const auto& [key, value] : object.as_object()) {
    if (value.is_object()) {
      add_facts(value, prefix + key + ".", out);
    } else {
      out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(prefix + key),
                         html_text(display(value)));
    }
  }
}

std::string scenario_html(const Comparison& comparison) {
  std::string out = "<section id=\"scenario\"><h2>Scenario</h2>\n<dl class=\"facts\">\n";
  for (const auto& axis : comparison.axes) {
    std::string values;
    for (const auto& value : axis.values) values += (values.empty() ? "" : ", ") + display(value);
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(axis.name), html_text(values));
  }
  for (const auto& axis : comparison.fixed)
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(axis.name),
                       html_text(display(axis.value)));
  return out + "</dl></section>\n";
}

std::string environment_html(const Comparison& comparison) {
  std::string out = "<section id=\"environment\"><h2>Environment</h2>\n";
  for (const auto& run : comparison.runs) {
    out += fmt::format("<h3>{}</h3>\n<dl class=\"facts\">\n", html_text(run.name));
    out += fmt::format("<dt>folder</dt><dd>{}</dd>\n", html_text(run.dir));
    for (const char* key : {"created", "seed"})
      out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", key, html_text(display(run.manifest.at(key))));
    add_facts(run.manifest.at("program"), "program.", out);
    add_facts(run.manifest.at("environment"), "", out);
    out += "</dl>\n";
  }
  return out + "</section>\n";
}

std::string definitions_html(const Comparison& comparison) {
  Table table{"Metrics of this report", {{"metric"}, {"unit"}, {"definition"}}, {}, 0};
  for (const auto& metric : comparison.metrics)
    table.rows.push_back({kNone, {metric.name, metric.unit, metric.definition}});
  return "<section id=\"metrics\"><h2>What the numbers mean</h2>\n"
         "<ul class=\"key\"><li><span class=\"swatch\"></span>measured or counted</li>"
         "<li><span class=\"swatch dashed\"></span>modelled or expected</li>"
         "<li><span class=\"whisker\"></span>95 % interval of a measured median</li></ul>\n" +
         table_html(table, false) + "</section>\n";
}

std::string header_html(const Comparison& comparison) {
  const Json& manifest = comparison.runs.front().manifest;
  const Json* version = manifest.at("program").find("version");
  const std::size_t count = comparison.points.size();
  return fmt::format(
      "<a class=\"skip\" href=\"#verdict\">Skip to the verdict</a>\n<header>\n<div><p "
      "class=\"kicker\">"
      "hotexpert report</p>\n<h1>{}</h1></div>\n<button id=\"theme\" type=\"button\" "
      "hidden>Dark</button>\n"
      "<p class=\"meta\">{} · {} {} · hotexpert {}</p>\n</header>\n",
      html_text(title_of(comparison)), html_text(display(manifest.at("created"))), count,
      count == 1 ? "point" : "points", version == nullptr ? "" : html_text(display(*version)));
}

}  // namespace

std::string render_html(const Comparison& comparison) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" "
      "content=\"no-referrer\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
      policy(), html_text(title_of(comparison)), kWebBundle.style);
  out += header_html(comparison) + "<main>\n" + verdict_html(comparison);
  if (kWebBundle.script.empty())
    out += fmt::format(
        "<p class=\"chart-missing\">The charts are missing: {}. Every number is in the "
        "tables. Build hotexpert where Node.js and npm are to have them.</p>\n",
        html_text(kWebBundle.missing));
  out += "<div id=\"filters\"></div>\n";
  for (const auto* section : report_sections()) out += section_html(comparison, *section);
  out += "<section id=\"points\"><h2>All points</h2>\n" +
         table_html(all_points_table(comparison), false) + "</section>\n";
  out += scenario_html(comparison) + environment_html(comparison) + definitions_html(comparison);
  out +=
      "</main>\n<footer><p>One file, made by hotexpert; it loads nothing and sends "
      "nothing.</p></footer>\n";
  if (!kWebBundle.script.empty()) {
    out += "<script type=\"application/json\" id=\"report-data\">";
    out += json_in_html(page_data(comparison).dump());
    out += fmt::format("</script>\n<script>{}</script>\n", kWebBundle.script);
  }
  return out + "</body>\n</html>\n";
}

}  // namespace hotexpert
