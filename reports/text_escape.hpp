#pragma once

#include <string>
#include <string_view>

// Names in results come from users and other people's files. Each exporter shows them with every
// character recognisable and none of them acting: no script, formula, terminal command or
// reordering.

namespace hotexpert {

/// Valid UTF-8 in which invisible characters are visible: control characters as their pictures
/// (NUL is ␀, ESC is ␛), bidirectional controls and line separators as [U+202E], bytes that are not
/// UTF-8 as U+FFFD.
std::string visible_text(std::string_view text);

/// visible_text() as HTML text or a quoted attribute's value.
std::string html_text(std::string_view text);

/// visible_text() as a Markdown table cell: punctuation that Markdown or HTML knows is escaped.
std::string markdown_text(std::string_view text);

/// html_text() with `code` between backticks as <code>.
std::string html_with_code(std::string_view text);

/// visible_text() as a CSV field (RFC 4180): quoted where needed. A field that a spreadsheet would
/// take for a formula (= + - @ at its beginning) gets an apostrophe before it.
std::string csv_text(std::string_view text);

/// JSON text that can stand inside <script type="application/json">: <, >, & and U+2028/9 escaped.
std::string json_in_html(std::string json);

}  // namespace hotexpert
