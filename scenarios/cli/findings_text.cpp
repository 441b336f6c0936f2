#include "scenarios/cli/findings_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/section.hpp"
#include "scenarios/cli/terminal.hpp"

namespace hotexpert {

namespace {

std::string plain(std::string sentence) {
  sentence.erase(std::remove(sentence.begin(), sentence.end(), '`'), sentence.end());
  return sentence;
}

}  // namespace

std::string findings_text(const Comparison& comparison) {
  std::string text;
  for (const auto& finding : findings(comparison)) {
    text += "- " + printable(plain(finding.text)) + "\n";
  }
  return text;
}

Json findings_json(const Comparison& comparison) {
  Json list = Json::array();
  for (const auto& finding : findings(comparison)) list.push(plain(finding.text));
  return list;
}

void warn_about(const Run& run) {
  for (const auto& warning : run.warnings) warn(warning);
  if (run.damaged_lines > 0) {
    warn(fmt::format("{}: {} of its lines {} damaged", run.dir, run.damaged_lines,
                     run.damaged_lines == 1 ? "is" : "are"));
  }
}

}  // namespace hotexpert
