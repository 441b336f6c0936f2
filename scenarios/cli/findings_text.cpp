#include "scenarios/cli/findings_text.hpp"

#include <algorithm>

#include "reports/section.hpp"
#include "scenarios/cli/terminal.hpp"

namespace hotexpert {

std::string findings_text(const Comparison& comparison) {
  std::string text;
  for (const auto& finding : findings(comparison)) {
    std::string sentence = finding.text;
    sentence.erase(std::remove(sentence.begin(), sentence.end(), '`'), sentence.end());
    text += "- " + printable(sentence) + "\n";
  }
  return text;
}

}  // namespace hotexpert
