#pragma once

#include <span>
#include <string_view>

#include "scenarios/cli/arguments.hpp"

namespace hotexpert {

/// One command of the program: a file in scenarios/cli and a row in commands.cpp.
struct CommandRow {
  std::string_view name;
  std::string_view summary;
  CommandSyntax (*syntax)();
  /// @return the exit code; errors are thrown as hotexpert::Error
  int (*run)(const Arguments& arguments);
};

std::span<const CommandRow> commands();

/// What the program's exit codes mean, for --help and the manual page.
struct ExitCodeText {
  std::string_view code;
  std::string_view meaning;
};
std::span<const ExitCodeText> exit_codes();

}  // namespace hotexpert
