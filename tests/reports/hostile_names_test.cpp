#include "tests/reports/hostile_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "reports/exporters.hpp"
#include "reports/section.hpp"
#include "reports/text_escape.hpp"
#include "tests/reports/fake_run.hpp"

namespace hotexpert {
namespace {

using test_support::hostile_names;
using ::testing::HasSubstr;

const Comparison& hostile_comparison() {
  static const auto comparison = [] {
    const test_support::TemporaryFolder folder;
    test_support::write_hostile_run(folder.path("run"));
    std::vector<hotexpert::Run> runs;
    runs.push_back(read_run(folder.path("run")));
    return make_comparison(std::move(runs));
  }();
  return comparison;
}

int count(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern, std::regex::icase);
  return static_cast<int>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), expression), {}));
}

/// Reads RFC 4180: an independent reader of what render_csv wrote.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1);
  std::string field;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '\r') {
      rows.back().push_back(std::exchange(field, ""));
      if (c == '\r') {
        ++i;  // the line feed
        rows.emplace_back();
      }
    } else {
      field += c;
    }
  }
  rows.pop_back();
  return rows;
}

TEST(HostileNamesTest, ThereAreForty) { EXPECT_EQ(hostile_names().size(), 40U); }

TEST(HostileNamesTest, ThePageHasNoTagTheProgramDidNotWrite) {
  std::string page = render_html(hostile_comparison());
  const auto data = page.find("<script type=\"application/json\"");
  const std::string markup = page.substr(page.find("</style>"), data - page.find("</style>"));
  EXPECT_EQ(count(markup, "<(script|img|svg|iframe|base|meta|link)"), 0);
  EXPECT_EQ(count(markup, "<h1"), 1);
  EXPECT_EQ(count(markup, "<!--"), 0);
  if (data == std::string::npos) return;  // built without Node
  const std::string json = page.substr(data + 8, page.find("</script>", data) - data - 8);
  EXPECT_EQ(json.find('<'), std::string::npos);
  EXPECT_NO_THROW(Json::parse(json.substr(json.find('{')), "embedded data"));
}

TEST(HostileNamesTest, ThePageShowsEachNameAndNothingInvisible) {
  const std::string page = render_html(hostile_comparison());
  for (const auto& name : hostile_names())
    EXPECT_NE(page.find(html_text(name)), std::string::npos) << name;
  const std::string markup =
      page.substr(page.find("</style>"), page.find("<script") - page.find("</style>"));
  for (const char c : markup) ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  for (const char* invisible : {"\u2028", "\u2029", "\u202E", "\u2066", "\u200B", "\uFEFF"})
    EXPECT_EQ(markup.find(invisible), std::string::npos);
}

TEST(HostileNamesTest, NoCsvFieldIsAFormulaAndEveryRowHasTheSameColumns) {
  const std::string csv = render_csv(hostile_comparison());
  const auto rows = parse_csv(csv);
  ASSERT_EQ(rows.size(), 1 + 3 * hostile_names().size());
  for (const auto& row : rows) {
    EXPECT_EQ(row.size(), rows[0].size());
    for (const auto& field : row) {
      const bool acts =
          !field.empty() && std::string("=+-@\t\r\n").find(field[0]) != std::string::npos;
      EXPECT_FALSE(acts) << field;
    }
  }
  EXPECT_THAT(csv, HasSubstr("'=cmd|' /C calc'!A0"));
  EXPECT_EQ(csv.find('\0'), std::string::npos);
  EXPECT_EQ(csv.find('\x1b'), std::string::npos);
}

TEST(HostileNamesTest, NoMarkdownCellEndsItsCellOrOpensATag) {
  // Findings show names between backticks, as they are; everything after them is tables.
  const std::string whole = render_markdown(hostile_comparison());
  const std::string markdown = whole.substr(whole.find("\n## "));
  EXPECT_EQ(markdown.find("<script"), std::string::npos);
  EXPECT_FALSE(std::regex_search(markdown, std::regex(R"([^\\]\]\(//evil)")));
  EXPECT_EQ(markdown.find('\x1b'), std::string::npos);
  std::size_t columns = 0;
  std::size_t begin = 0;
  for (std::size_t end = markdown.find('\n'); end != std::string::npos;
       begin = end + 1, end = markdown.find('\n', begin)) {
    const std::string line = markdown.substr(begin, end - begin);
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    if (line.empty() || line[0] != '|') {
      columns = 0;
    } else if (columns == 0) {
      columns = bars;
    } else {
      EXPECT_EQ(bars, columns) << line;
    }
  }
}

TEST(HostileNamesTest, JsonGivesEveryNameBackExactly) {
  const Json json = Json::parse(render_json(hostile_comparison()), "report");
  const auto& rows = json.at("rows").as_array();
  for (std::size_t i = 0; i < hostile_names().size(); ++i)
    EXPECT_EQ(rows[3 * i].at("kernel").as_string(), hostile_names()[i]);
}

TEST(HostileNamesTest, EveryNameStandsInEveryFieldThatAUserControls) {
  const auto& comparison = hostile_comparison();
  const auto& manifest = comparison.runs.front().manifest;
  const auto& names = hostile_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_NE(manifest.at("environment").find(names[i]), nullptr) << names[i];
    EXPECT_NE(manifest.at("scenario").find(names[i]), nullptr) << names[i];
    EXPECT_NE(comparison.metric(names[i]), nullptr) << names[i];
    const bool axis = comparison.axis(names[i]) != kNone ||
                      std::ranges::any_of(comparison.fixed, [&](const FixedAxis& fixed) {
                        return fixed.name == names[i];
                      });
    EXPECT_TRUE(axis) << names[i];
    const auto& point = comparison.points[3 * i].result;
    EXPECT_EQ(point.warnings, std::vector{names[i]});
    EXPECT_EQ(comparison.points[3 * i + 2].result.reason, names[i]);
    EXPECT_EQ(point.series.back().metric, names[i]);
    EXPECT_EQ(point.series.back().dims, std::vector{names[i]});
  }
}

TEST(HostileNamesTest, FindingsKeepNamesInsideTheirCode) {
  for (const auto& finding : findings(hostile_comparison())) {
    EXPECT_EQ(std::count(finding.text.begin(), finding.text.end(), '`') % 2, 0) << finding.text;
    for (const char c : finding.text)
      ASSERT_GE(static_cast<unsigned char>(c), 0x20) << finding.text;
  }
}

TEST(TextEscapeTest, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(visible_text("a\xff"), "a\uFFFD");
  EXPECT_EQ(visible_text("\xc0\xaf"), "\uFFFD\uFFFD") << "overlong slash";
  EXPECT_EQ(visible_text("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(visible_text("\xe2\x82"), "\uFFFD\uFFFD") << "cut off";
  EXPECT_EQ(visible_text("é€😀"), "é€😀");
}

TEST(TextEscapeTest, InvisibleCharactersBecomeVisible) {
  EXPECT_EQ(visible_text(std::string("\0\x1b\x7f", 3)), "␀␛␡");
  EXPECT_EQ(visible_text("\u202E\u2028"), "[U+202E][U+2028]");
}

}  // namespace
}  // namespace hotexpert
