#include <array>

#include "scenarios/cli/command.hpp"
#include "scenarios/cli/command_list.hpp"

namespace hotexpert {

std::span<const CommandRow> commands() {
  static constexpr std::array kCommands = {
      CommandRow{"sweep", "run every point of a scenario", sweep_syntax, sweep_run},
      CommandRow{"plan", "all but the kernels: loads, drops, point list", plan_syntax, plan_run},
      CommandRow{"drops",
                 "dropped assignments at every capacity factor, by framework rule and policy",
                 drops_syntax, drops_run},
      CommandRow{"train", "router lab: balancing methods and weights, and their price",
                 train_syntax, train_run},
      CommandRow{"trace", "describe, import, generate, dissect, imitate or export routing traces",
                 trace_syntax, trace_run},
      CommandRow{"model", "the cost model: check it, price skew, rank load metrics", model_syntax,
                 model_run},
      CommandRow{"calibrate", "fit a model of this machine from short measurements",
                 calibrate_syntax, calibrate_run},
      CommandRow{"place", "experts on ranks with a proven bound; does rebalancing pay?",
                 place_syntax, place_run},
      CommandRow{"merge", "put the shards of a sweep together, checked for completeness",
                 merge_syntax, merge_run},
      CommandRow{"profile", "where one point's time went: timeline, ledger, Nsight commands",
                 profile_syntax, profile_run},
      CommandRow{"report", "write a report from run folders: html, md, csv, json", report_syntax,
                 report_run},
      CommandRow{"compare", "compare two runs point by point; a gate for pull requests",
                 compare_syntax, compare_run},
      CommandRow{"list", "what can be chosen: axes, presets, skew models, kernels, metrics, ...",
                 list_syntax, list_run},
      CommandRow{"selftest", "kernels against fp64, closed forms, determinism; --timing: the clock",
                 selftest_syntax, selftest_run},
      CommandRow{"completion", "print a completion script: bash, zsh or fish", completion_syntax,
                 completion_run},
      CommandRow{"manual", "print the manual page (roff)", manual_syntax, manual_run},
      CommandRow{"doctor", "what this machine can run, and why not", doctor_syntax, doctor_run},
  };
  return kCommands;
}

std::span<const ExitCodeText> exit_codes() {
  static constexpr std::array kCodes = {
      ExitCodeText{"0", "done"},
      ExitCodeText{"1", "some points failed, a regression, or a failed self test"},
      ExitCodeText{"2", "usage or scenario error"},
      ExitCodeText{"3", "bad input file"},
      ExitCodeText{"4", "required device missing, or lost while it ran"},
      ExitCodeText{"5", "output could not be written (go on with --resume)"},
      ExitCodeText{"130, 143", "stopped by a signal; finished points are safe"},
  };
  return kCodes;
}

}  // namespace hotexpert
