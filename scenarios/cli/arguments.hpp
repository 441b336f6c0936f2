#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/runner/axes.hpp"

namespace hotexpert {

/// One option of a command: the parser, `--help`, shell completion and the man page read this row.
struct OptionRow {
  std::string_view name;         ///< long name without dashes; "output,o" adds a short one
  std::string_view placeholder;  ///< "FILE"; empty for a switch
  std::string_view help;
};

/// One positional argument, or one action of a command that has several.
struct ArgumentRow {
  std::string_view form;  ///< as the usage line shows it: "SCENARIO", "info FILE"
  std::string_view help;
};

/// A command's own options, the axes it takes as flags, and its positional arguments.
struct CommandSyntax {
  std::string_view positional;  ///< "SCENARIO", "RUN_DIR...", or "" for none
  int min_positional = 0;
  int max_positional = 0;  ///< -1: any number
  std::vector<OptionRow> options;
  std::vector<AxisScope> axis_scopes;       ///< axes of these scopes are flags `--NAME VALUES`
  std::vector<ArgumentRow> arguments = {};  ///< what the positional arguments are
};

/// What the user wrote.
class Arguments {
 public:
  std::vector<std::string> positional;

  [[nodiscard]] bool has(std::string_view option) const { return values_.count(option) > 0; }
  /// The option's value, or `fallback` when it was not given.
  [[nodiscard]] std::string get(std::string_view option, std::string_view fallback = "") const;
  void set(std::string option, std::string value) { values_[std::move(option)] = std::move(value); }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// One action of a command that has several, as `trace info`: its first argument chooses it.
struct ActionRow {
  std::string_view name;
  std::string_view form;  ///< "info FILE..."; the name alone for an action without arguments
  std::string_view summary;
  int (*run)(const Arguments& arguments);
};

/// What `--help` says of a command's actions.
std::vector<ArgumentRow> argument_rows(std::span<const ActionRow> actions);

/// Parses a command's arguments. Prefixes of option names do not match.
/// @throws UsageError for an unknown option (with the nearest), a missing or repeated value, or too
/// few or many positionals.
Arguments parse_arguments(std::string_view command, const CommandSyntax& syntax,
                          std::span<const std::string> args);

std::string_view long_name(const OptionRow& option);   ///< "output" of "output,o"
std::string_view short_name(const OptionRow& option);  ///< "o", or ""

/// Every flag of a command: its own options, its axes, --help.
std::vector<OptionRow> all_options(const CommandSyntax& syntax);

/// What `--help` and the man page say of an axis: its help, its words where the help leaves one
/// out, its default with the unit.
std::string axis_help(const AxisRow& axis);

/// Options every command with a table has.
std::vector<OptionRow> table_options();

/// The text of `hotexpert COMMAND --help`.
std::string help_text(std::string_view command, std::string_view summary,
                      const CommandSyntax& syntax);

}  // namespace hotexpert
