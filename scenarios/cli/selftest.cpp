#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <vector>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/registry.hpp"

namespace hotexpert {
namespace {

constexpr std::array kGroups = {SelfCheckGroup::kKernels, SelfCheckGroup::kOracles,
                                SelfCheckGroup::kDigest, SelfCheckGroup::kTiming};

/// The checks asked for: one by name; else groups; else all that no other program on the machine
/// can disturb.
/// @throws UsageError for a name that is no check's, or that of another group than those asked for
std::vector<SelfCheckRow> wanted_checks(const Arguments& arguments) {
  const auto is_asked = [&](SelfCheckGroup group) { return arguments.has(name(group)); };
  const bool any_asked = std::ranges::any_of(kGroups, is_asked);
  if (arguments.has("only")) {
    const auto& check = find_row(self_checks(), "check", arguments.get("only"));
    if (any_asked && !is_asked(check.group))
      throw UsageError(
          fmt::format("--only {}: this check is one of --{}; ask for that, or for no "
                      "group",
                      check.name, name(check.group)));
    return {check};
  }
  std::vector<SelfCheckRow> wanted;
  std::ranges::copy_if(self_checks(), std::back_inserter(wanted), [&](const auto& check) {
    return any_asked ? is_asked(check.group) : check.group != SelfCheckGroup::kTiming;
  });
  return wanted;
}

/// The help of --only: it names every check.
const std::string& only_help() {
  static const std::string text =
      fmt::format("one check alone: {}", fmt::join(row_names(self_checks()), ", "));
  return text;
}

Json row_of(const SelfCheckRow& check, const SelfCheckAnswer& answer) {
  Json row = Json::object();
  row.set("check", check.name).set("what", answer.what);
  row.set("state", !answer.skipped.empty() ? "skipped" : answer.ok() ? "ok" : "failed");
  if (answer.skipped.empty()) {
    row.set("found", answer.found).set("expected", answer.expected);
    row.set("tolerance", answer.tolerance);
  }
  return row.set("note", answer.skipped.empty() ? answer.note : answer.skipped);
}

}  // namespace

CommandSyntax selftest_syntax() {
  CommandSyntax syntax{
      "",
      0,
      0,
      {{"kernels", "", "only the kernels against fp64"},
       {"oracles", "", "only results known in closed form"},
       {"digest", "", "only the determinism digest: equal on every machine"},
       {"timing", "",
        "the real clock, and the gate on 200 real comparisons; wants a quiet machine"},
       {"only", "NAME", only_help()}},
      {}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int selftest_run(const Arguments& arguments) {
  CommandTable table;
  table.columns = {"check", "state", "what", "found", "expected", "tolerance", "note"};
  std::int64_t failed = 0;
  std::int64_t skipped = 0;
  const auto checks = wanted_checks(arguments);
  Progress progress(std::ssize(checks));
  std::int64_t done = 0;
  for (const auto& check : checks) {
    progress.show(done++, check.summary);
    for (const auto& answer : check.run()) {
      failed += answer.ok() ? 0 : 1;
      skipped += answer.skipped.empty() ? 0 : 1;
      table.rows.push_back(row_of(check, answer));
    }
    if (caught_signal() != 0) return 128 + caught_signal();
  }
  table.extra.emplace_back("failed", failed);
  table.extra.emplace_back("skipped", skipped);
  print_table(table, arguments);
  note(fmt::format("{} of {} checks ok, {} skipped, {} failed",
                   static_cast<std::int64_t>(table.rows.size()) - failed - skipped,
                   table.rows.size(), skipped, failed));
  return static_cast<int>(failed == 0 ? ExitCode::kDone : ExitCode::kPointsFailed);
}

}  // namespace hotexpert
