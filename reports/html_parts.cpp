#include "reports/html_parts.hpp"

#include <fmt/format.h>

#include "reports/number_format.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMaxWarnings = 20;
constexpr std::size_t kWarningsAtOnce = 2;  // others open on demand

/// Words of a list one after another; anything else as it is.
std::string listed(const Json& value) {
  if (!value.is_array()) return display(value);
  std::string out;
  for (const auto& item : value.as_array()) out += (out.empty() ? "" : ", ") + display(item);
  return out;
}

}  // namespace

std::string table_html(const Table& table, bool open) {
  std::string out = fmt::format(
      "<details class=\"table\"{}><summary>Table <span class=\"count\">{} {}</span>"
      "</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">"
      "<table><caption>{}</caption>\n<thead><tr>",
      open ? " open" : "", table.rows.size(), table.rows.size() == 1 ? "row" : "rows",
      html_text(table.caption), html_text(table.caption));
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

std::string warnings_html(const std::map<std::string, int>& counts) {
  if (counts.empty()) return "";
  std::string out = "<div class=\"warnings\" role=\"note\"><strong>Warnings</strong><ul>\n";
  std::size_t shown = 0;
  for (const auto& [warning, count] : counts) {
    if (shown == kWarningsAtOnce) {
      out += fmt::format("</ul><details><summary>{} more</summary><ul>\n", counts.size() - shown);
    }
    if (++shown > kMaxWarnings) break;
    out += "<li>" + html_with_code(warning);
    if (count > 1) out += fmt::format(" ({} points)", count);
    out += "</li>\n";
  }
  if (counts.size() > kMaxWarnings)
    out += fmt::format("<li>… and {} more</li>\n", counts.size() - kMaxWarnings);
  return out + (counts.size() > kWarningsAtOnce ? "</ul></details></div>\n" : "</ul></div>\n");
}

std::string facts_html(const Json& object, const std::string& prefix) {
  std::string out;
  for (const auto& [key, value] : object.as_object()) {
    if (value.is_object()) {
      out += facts_html(value, prefix + key + ".");
    } else {
      const bool bytes = value.is_number() && key.ends_with("_bytes");
      out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_text(prefix + key),
                         html_text(bytes ? with_unit(value.as_double(), "bytes") : listed(value)));
    }
  }
  return out;
}

}  // namespace hotexpert
