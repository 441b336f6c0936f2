#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "scenarios/cli/command.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

/// Words an option's value may be, separated by spaces; "" = anything.
std::string value_words(const OptionRow& option) {
  for (const auto& axis : axes()) {
    if (axis.name != option.name) continue;
    std::string words(axis.words);
    std::replace(words.begin(), words.end(), '|', ' ');
    return words;
  }
  return "";
}

std::string command_words() {
  std::string words;
  for (const auto& row : commands())
    words += fmt::format("{}{}", words.empty() ? "" : " ", row.name);
  return words;
}

/// `text` inside single quotes of a shell.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string bash_script() {
  std::string values;
  std::string flags;
  for (const auto& axis : axes()) {
    const std::string words = value_words({axis.name, "VALUES", ""});
    if (!words.empty())
      values += fmt::format("    --{}) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n",
                            axis.name, words);
  }
  for (const auto& row : commands()) {
    std::string names;
    for (const auto& option : all_options(row.syntax()))
      names += fmt::format(" --{}", long_name(option));
    flags += fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n", row.name,
                         names.substr(1));
  }
  return fmt::format(
      "# bash completion of hotexpert: source it, or put it where bash-completion looks\n"
      "_hotexpert() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}}\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '{} --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[COMP_CWORD - 1]}} in\n{}  esac\n"
      "  case $word in -*) ;; *) return ;; esac\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "}}\n"
      "complete -o default -F _hotexpert hotexpert\n",
      command_words(), values, flags);
}

/// Brackets and colons mean something to _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_script() {
  std::string rows;
  std::string cases;
  for (const auto& row : commands()) {
    rows += fmt::format("    {}\n",
                        shell_quoted(fmt::format("{}:{}", row.name, zsh_text(row.summary))));
    cases += fmt::format("    {}) _arguments", row.name);
    for (const auto& option : all_options(row.syntax())) {
      std::string spec = fmt::format("--{}[{}]", long_name(option), zsh_text(option.help));
      const std::string words = value_words(option);
      if (!option.placeholder.empty())
        spec += fmt::format(":{}:{}", option.placeholder,
                            words.empty() ? "_files" : fmt::format("({})", words));
      cases += fmt::format(" \\\n      {}", shell_quoted(spec));
    }
    cases += " \\\n      '*:file:_files' ;;\n";
  }
  return fmt::format(
      "#compdef hotexpert\n"
      "_hotexpert() {{\n"
      "  local -a names\n"
      "  names=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command names\n"
      "    return\n"
      "  fi\n"
      "  local name=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $name in\n{}  esac\n"
      "}}\n"
      "compdef _hotexpert hotexpert\n",
      rows, cases);
}

std::string fish_script() {
  std::string out = "# fish completion of hotexpert\n";
  for (const auto& row : commands())
    out += fmt::format("complete -c hotexpert -n __fish_use_subcommand -f -a {} -d {}\n", row.name,
                       shell_quoted(row.summary));
  for (const auto& row : commands()) {
    for (const auto& option : all_options(row.syntax())) {
      out += fmt::format("complete -c hotexpert -n '__fish_seen_subcommand_from {}' -l {} -d {}",
                         row.name, long_name(option), shell_quoted(option.help));
      const std::string words = value_words(option);
      if (!option.placeholder.empty()) out += " -r";
      if (!words.empty()) out += fmt::format(" -f -a {}", shell_quoted(words));
      out += "\n";
    }
  }
  return out;
}

struct ShellRow {
  std::string_view name;
  std::string (*script)();
};

constexpr std::array kShells = {ShellRow{"bash", bash_script}, ShellRow{"zsh", zsh_script},
                                ShellRow{"fish", fish_script}};

}  // namespace

CommandSyntax completion_syntax() {
  return {"SHELL", 1, 1, {}, {}, {{"SHELL", "bash, zsh or fish"}}};
}

int completion_run(const Arguments& arguments) {
  write_stdout(find_row(kShells, "shell", arguments.positional.front()).script());
  return 0;
}

}  // namespace hotexpert
