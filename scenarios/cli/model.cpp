#include <array>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/found_run.hpp"
#include "scenarios/cli/model_actions.hpp"
#include "scenarios/cli/table.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kModelActions = {
    ActionRow{"validate", "validate FILE.csv|RUN_DIR",
              "score the cost law on published latencies or on a measured run", model_validate},
    ActionRow{"price", "price", "what one more percent of max/mean load costs, by tokens and skew",
              model_price},
    ActionRow{"league", "league FILE.csv|RUN_DIR",
              "which load metric tells the time best, by regime", model_league},
};

}  // namespace

CommandSyntax model_syntax() {
  CommandSyntax syntax{
      "validate FILE.csv|RUN_DIR | price | league FILE.csv|RUN_DIR",
      1,
      2,
      {{"device", "NAME|FILE", "device description [h100-sxm]"},
       {"fit", "FILE.csv",
        "validate: published latencies to fit the free constants to [none: the device file's]"},
       {"hold-out-all", "",
        "validate: also leave out ranks, token ranges and distributions in turn, not only shapes"},
       {"kernel", "NAME", "price: kernel whose law is used [grouped]"},
       {"ep.ranks", "N", "price: expert-parallel ranks; the most loaded one is priced [1]"},
       {"step.tokens", "LIST", "price: tokens a step, of all ranks [2^4:2^14]"},
       {"skew", "LIST", "price: expected max/mean expert loads [1,2,4,7]"},
       {"by-skew", "", "price: a row for each number of tokens, a column for each skew"},
       found_run_option()},
      {AxisScope::kLayer}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  syntax.arguments = argument_rows(kModelActions);
  return syntax;
}

int model_run(const Arguments& arguments) {
  const auto& action = find_row(kModelActions, "action of model", arguments.positional.front());
  if (action.form != action.name && arguments.positional.size() < 2) {
    throw UsageError("hotexpert model " + std::string(action.name) +
                     ": a file is missing (see hotexpert model --help)");
  }
  return action.run(arguments);
}

}  // namespace hotexpert
