#include <fmt/format.h>

#include <cctype>
#include <string>

#include "scenarios/cli/command.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/terminal.hpp"

namespace hotexpert {
namespace {

/// Text that roff shows as it is.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  const bool is_request = !out.empty() && (out[0] == '.' || out[0] == '\'');
  return is_request ? "\\&" + out : out;
}

std::string option_entry(const OptionRow& option) {
  std::string out = ".TP\n";
  if (!short_name(option).empty()) out += fmt::format("\\fB\\-{}\\fR, ", short_name(option));
  out += fmt::format("\\fB\\-\\-{}\\fR", roff(long_name(option)));
  if (!option.placeholder.empty()) out += fmt::format(" \\fI{}\\fR", roff(option.placeholder));
  return out + "\n" + roff(option.help) + "\n";
}

std::string command_entry(const CommandRow& row) {
  const CommandSyntax syntax = row.syntax();
  std::string out =
      fmt::format(".SS \"hotexpert {} {}{}[OPTIONS]\"\n{}.\n", row.name, roff(syntax.positional),
                  syntax.positional.empty() ? "" : " ", roff(row.summary));
  for (const auto& argument : syntax.arguments)
    out += fmt::format(".TP\n\\fI{}\\fR\n{}\n", roff(argument.form), roff(argument.help));
  for (const auto& option : syntax.options) out += option_entry(option);
  if (!syntax.axis_scopes.empty()) out += ".PP\nTakes axes as flags; see AXES.\n";
  return out;
}

std::string manual() {
  std::string out =
      ".TH HOTEXPERT 1 \"\" \"hotexpert " HOTEXPERT_VERSION
      "\" \"User Commands\"\n"
      ".SH NAME\nhotexpert \\- what expert load imbalance costs in a Mixture\\-of\\-Experts layer, "
      "measured\n"
      ".SH SYNOPSIS\n.B hotexpert\n.I COMMAND\n.RI [ ARGUMENTS ]\n.SH COMMANDS\n";
  for (const auto& row : commands()) out += command_entry(row);
  out +=
      ".SH AXES\nA value, a list 1,2,4, a range 0:2:0.5 or powers 2^4:2^10. The same names are "
      "keys "
      "of scenario files.\n";
  for (const auto& axis : axes()) {
    out += fmt::format(".TP\n\\fB\\-\\-{}\\fR \\fIVALUES\\fR\n{}\n", roff(axis.name),
                       roff(axis_help(axis)));
  }
  out += ".SH EXIT STATUS\n";
  for (const auto& row : exit_codes())
    out += fmt::format(".TP\n.B {}\n{}\n", row.code, roff(row.meaning));
  return out;
}

}  // namespace

CommandSyntax manual_syntax() { return {"", 0, 0, {}, {}}; }

int manual_run(const Arguments&) {
  write_stdout(manual());
  return 0;
}

}  // namespace hotexpert
