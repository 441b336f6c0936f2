#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "scenarios/cli/command.hpp"
#include "scenarios/cli/terminal.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

std::string overview() {
  std::string text =
      "hotexpert: what expert load imbalance costs in a Mixture-of-Experts layer, measured\n\n"
      "Usage: hotexpert COMMAND [ARGUMENTS]      hotexpert COMMAND --help\n\nCommands:\n";
  for (const auto& row : commands()) text += fmt::format("  {:<12}{}\n", row.name, row.summary);
  text += "\nExit codes:\n";
  for (const auto& row : exit_codes()) text += fmt::format("  {:<12}{}\n", row.code, row.meaning);
  return text;
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    write_stdout(overview());
    return static_cast<int>(ExitCode::kUsage);
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    write_stdout(overview());
    return 0;
  }
  if (args[0] == "--version") {
    write_stdout("hotexpert " HOTEXPERT_VERSION "\n");
    return 0;
  }
  const auto& command = find_row(commands(), "command", args[0]);
  const CommandSyntax syntax = command.syntax();
  const auto arguments = parse_arguments(command.name, syntax, std::span(args).subspan(1));
  if (arguments.has("help")) {
    write_stdout(help_text(command.name, command.summary, syntax));
    return 0;
  }
  catch_signals();
  return command.run(arguments);
}

}  // namespace
}  // namespace hotexpert

int main(int argc, char** argv) {
  try {
    return hotexpert::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const hotexpert::Error& error) {
    fmt::print(stderr, "hotexpert: {}\n", hotexpert::printable(error.what()));
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr,
               "hotexpert: out of memory; try fewer tokens, experts or a larger layer.scale\n");
    return static_cast<int>(hotexpert::ExitCode::kUsage);
  } catch (const std::exception& error) {
    fmt::print(stderr, "hotexpert: {} (this is a bug; please report it)\n",
               hotexpert::printable(error.what()));
    return static_cast<int>(hotexpert::ExitCode::kPointsFailed);
  }
}
