#include <fmt/format.h>

#include <map>
#include <numeric>
#include <set>
#include <string>

#include "reports/embedded_series.hpp"
#include "reports/exporters.hpp"
#include "reports/html_parts.hpp"
#include "reports/page_data.hpp"
#include "reports/recorded_traces.hpp"
#include "reports/section.hpp"
#include "reports/text_escape.hpp"
#include "reports/web_bundle.hpp"

namespace hotexpert {
namespace {

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

/// The points' warnings, each told once: in the first section that shows one of its points.
class Warnings {
 public:
  explicit Warnings(const Comparison& comparison) : comparison_(comparison) {}

  std::map<std::string, int> take(const std::vector<std::size_t>& points) {
    std::map<std::string, int> counts;
    for (const std::size_t i : points) {
      for (const auto& warning : comparison_.points[i].result.warnings) {
        if (told_.count(warning) == 0) ++counts[warning];
      }
    }
    for (const auto& [warning, count] : counts) told_.insert(warning);
    return counts;
  }

 private:
  const Comparison& comparison_;
  std::set<std::string> told_;
};

/// What the chart could not be given.
std::string notes_html(const EmbeddedSeries& embedded, const ReportSection& section) {
  const auto found = embedded.notes.find(section.id);
  if (found == embedded.notes.end()) return "";
  std::string out;
  for (const auto& note : found->second)
    out += fmt::format("<p class=\"left-out\" role=\"note\">{}</p>\n", html_text(note));
  return out;
}

/// The sections that have something to show, with what they show.
struct ShownSection {
  const ReportSection* section;
  View view;
};

std::vector<ShownSection> shown_sections(const Comparison& comparison) {
  std::vector<ShownSection> shown;
  for (const auto* section : report_sections()) {
    View view = make_view(comparison, section->view());
    if (!view.eligible.empty()) shown.push_back({section, std::move(view)});
  }
  return shown;
}

std::string group_id(SectionGroup group) {
  return fmt::format("group-{}", static_cast<int>(group));
}

/// Links to every section, a line a group.
std::string navigation_html(const std::vector<ShownSection>& shown) {
  std::string out = "<nav class=\"contents\" aria-label=\"Sections\">\n<dl>\n";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto& section = *shown[i].section;
    const bool first = i == 0 || shown[i - 1].section->group != section.group;
    if (first)
      out += fmt::format("{}<dt><a href=\"#{}\">{}</a></dt><dd>", i == 0 ? "" : "</dd>\n",
                         group_id(section.group), title(section.group));
    out += fmt::format("<a href=\"#{}\">{}</a> ", section.id, html_text(section.title));
  }
  if (!shown.empty()) out += "</dd>\n";
  return out +
         "<dt>Everything</dt><dd><a href=\"#points\">All points</a> <a "
         "href=\"#scenario\">Scenario</a> <a href=\"#environment\">Environment</a> <a "
         "href=\"#metrics\">What the numbers mean</a></dd>\n</dl>\n</nav>\n";
}

std::string section_html(const Comparison& comparison, const ShownSection& shown,
                         const EmbeddedSeries& embedded, Warnings& warnings) {
  const auto& section = *shown.section;
  const View& view = shown.view;
  const bool has_charts = !kWebBundle.script.empty();
  std::string out = fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n"
      "<p>{2}</p>\n",
      section.id, html_text(section.title), html_text(section.how_to_read));
  if (has_charts) out += "<div class=\"chart\"></div>\n" + notes_html(embedded, section);
  out += warnings_html(warnings.take(view.eligible));
  return out + table_html(section.table(comparison, view), !has_charts) + "</section>\n";
}

constexpr std::size_t kFindingsAtOnce = 2;  // of each chart; the others open on demand

std::string findings_html(const std::vector<const Finding*>& list) {
  std::string out = "<ul class=\"findings\">\n";
  for (const auto* finding : list)
    out += fmt::format(
        "<li><span class=\"figure\">{}</span><span>{} <a href=\"#{}\">see chart</a></span></li>\n",
        html_text(finding->figure), html_with_code(finding->text), finding->chart);
  return out + "</ul>\n";
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
  std::map<std::string, std::size_t> told;
  std::vector<const Finding*> first;
  std::vector<const Finding*> more;
  for (const auto& finding : said)
    (++told[finding.chart] <= kFindingsAtOnce ? first : more).push_back(&finding);
  out += findings_html(first);
  if (!more.empty())
    out += fmt::format("<details class=\"more\"><summary>{} more</summary>\n{}</details>\n",
                       more.size(), findings_html(more));
  std::map<std::string, int> run_warnings;
  for (const auto& warning : comparison.warnings) ++run_warnings[warning];
  return out + warnings_html(run_warnings) + "</section>\n";
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

std::string recorded_traces_html(const Comparison& comparison) {
  const Table table = recorded_traces_table(comparison);
  if (table.rows.empty()) return "";
  return "<section id=\"traces\"><h2>Recorded traces</h2>\n<p>What importing found. Errors and "
         "warnings with a count above 0 are repeated as warnings of the points.</p>\n" +
         table_html(table, false) + "</section>\n";
}

std::string environment_html(const Comparison& comparison) {
  std::string out = "<section id=\"environment\"><h2>Environment</h2>\n";
  for (const auto& run : comparison.runs) {
    if (comparison.runs.size() > 1) out += fmt::format("<h3>{}</h3>\n", html_text(run.name));
    out += "<dl class=\"facts\">\n";
    out += fmt::format("<dt>folder</dt><dd>{}</dd>\n", html_text(run.dir));
    for (const char* key : {"created", "seed"})
      out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", key, html_text(display(run.manifest.at(key))));
    out += facts_html(run.manifest.at("program"), "program.");
    out += facts_html(run.manifest.at("environment"), "");
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

/// What was measured, and on what, in one line: the layer, the step, the processor.
std::string subject_of(const Comparison& comparison) {
  std::string out;
  for (const auto& axis : comparison.fixed) {
    if (axis.name.rfind("layer.", 0) != 0 && axis.name != "step.tokens") continue;
    if (display(axis.value) == "none" || display(axis.value) == "0") continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : " · ",
                       axis.label.empty() ? axis.name : axis.label, display(axis.value));
  }
  const Json* cpu = comparison.runs.front().manifest.at("environment").find("processor");
  const Json* model = cpu != nullptr && cpu->is_object() ? cpu->find("model") : nullptr;
  if (model != nullptr) out += (out.empty() ? "" : " · ") + display(*model);
  return out;
}

std::string header_html(const Comparison& comparison) {
  const Json& manifest = comparison.runs.front().manifest;
  const Json* version = manifest.at("program").find("version");
  const std::size_t count = comparison.points.size();
  return fmt::format(
      "<a class=\"skip\" href=\"#verdict\">Skip to the verdict</a>\n<header>\n<div><p "
      "class=\"kicker\">"
      "hotexpert {}</p>\n<h1>{}</h1></div>\n<button id=\"theme\" type=\"button\" "
      "hidden>Dark</button>\n"
      "<p class=\"meta\">{}<br>{} · {} {}</p>\n</header>\n",
      version == nullptr ? "" : html_text(display(*version)), html_text(title_of(comparison)),
      html_text(subject_of(comparison)), html_text(display(manifest.at("created"))), count,
      count == 1 ? "point" : "points");
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
  const auto shown = shown_sections(comparison);
  out += navigation_html(shown) + "<div id=\"filters\"></div>\n";
  Warnings warnings(comparison);
  const EmbeddedSeries embedded = embed_series(comparison);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto group = shown[i].section->group;
    if (i == 0 || shown[i - 1].section->group != group)
      out += fmt::format("<p class=\"group\" id=\"{}\">{}</p>\n", group_id(group), title(group));
    out += section_html(comparison, shown[i], embedded, warnings);
  }
  std::vector<std::size_t> all(comparison.points.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  out += "<section id=\"points\"><h2>All points</h2>\n" + warnings_html(warnings.take(all)) +
         table_html(all_points_table(comparison), false) + "</section>\n";
  out += scenario_html(comparison) + recorded_traces_html(comparison);
  out += environment_html(comparison) + definitions_html(comparison);
  out +=
      "</main>\n<footer><p>One file, made by hotexpert; it loads nothing and sends "
      "nothing.</p></footer>\n";
  if (!kWebBundle.script.empty()) {
    out += "<script type=\"application/json\" id=\"report-data\">";
    out += json_in_html(page_data(comparison, embedded).dump());
    out += fmt::format("</script>\n<script>{}</script>\n", kWebBundle.script);
  }
  return out + "</body>\n</html>\n";
}

}  // namespace hotexpert
