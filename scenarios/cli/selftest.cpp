#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/cli/command_list.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr std::array kGroups = {SelfCheckGroup::kKernels, SelfCheckGroup::kOracles,
                                SelfCheckGroup::kDigest, SelfCheckGroup::kTiming};

/// The groups asked for; none: all that no other program on the machine can disturb.
bool is_wanted(SelfCheckGroup group, const Arguments& arguments) {
  const bool asked = std::any_of(kGroups.begin(), kGroups.end(),
                                 [&](auto each) { return arguments.has(name(each)); });
  return asked ? arguments.has(name(group)) : group != SelfCheckGroup::kTiming;
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
        "the real clock, and the gate on 200 real comparisons; wants a quiet machine"}},
      {}};
  for (const auto& option : table_options()) syntax.options.push_back(option);
  return syntax;
}

int selftest_run(const Arguments& arguments) {
  CommandTable table;
  table.columns = {"check", "state", "what", "found", "expected", "tolerance", "note"};
  std::int64_t failed = 0;
  std::int64_t skipped = 0;
  Progress progress(static_cast<std::int64_t>(self_checks().size()));
  std::int64_t done = 0;
  for (const auto& check : self_checks()) {
    progress.show(done++, check.summary);
    if (!is_wanted(check.group, arguments)) continue;
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
