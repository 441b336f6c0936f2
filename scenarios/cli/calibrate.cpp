#include <array>

#include "scenarios/cli/calibrate_subjects.hpp"
#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/table.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

/// What can be calibrated: a file and a row each.
struct SubjectRow {
  std::string_view name;
  std::string_view summary;
  int (*run)(const Arguments& arguments);
};

constexpr std::array kSubjects = {
    SubjectRow{"network", "the network model, from exchanges between processes",
               calibrate_network_here},
};

}  // namespace

CommandSyntax calibrate_syntax() {
  CommandSyntax syntax{
      "network",
      1,
      1,
      {{"output,o", "FILE.toml", "file to write, never half of one [network.toml]"},
       {"name", "NAME", "name of the network [the file's name]"},
       {"ep.ranks", "N", "processes that exchange [the cores, 2 to 8]"}},
      {}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int calibrate_run(const Arguments& arguments) {
  return find_row(kSubjects, "subject of calibrate", arguments.positional.front()).run(arguments);
}

}  // namespace hotexpert
