#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/runner/profile_point.hpp"

namespace hotexpert {
namespace {

constexpr double kWorthRemoving = 0.05;  // of the difference between measured and control
constexpr std::size_t kMostReruns = 3;
constexpr int kMostCopies = 8;

MeasureOptions options_of(const MeasureSpec& spec) {
  MeasureOptions options;
  options.min_samples = std::max(10, spec.min_samples);
  options.time_budget_s = spec.budget_s;
  options.target_relative_half_width = spec.precision;
  return options;
}

/// What a re-run needs beside the cause it removes.
struct Bench {
  const PointSpec& spec;
  LayerBackend& backend;
  PreparedLayer& layer;
  const ProfileArm& measured;
  const DispatchPlan& plan;
};

/// Times the measured plan against a changed one on a layer of its own, interleaved.
void run_changed(const Bench& bench, const std::string& kernel, const DispatchPlan& changed,
                 double booked_s, Rerun& rerun) {
  LayerShape needed = bench.spec.shape;  // a second set of weights comes into memory
  needed.num_experts = changed.num_physical;
  if (const auto reason = bench.backend.unsupported(needed, kernel)) {
    rerun.reason = *reason;
    return;
  }
  const auto layer =
      bench.backend.prepare(bench.spec.shape, kernel, changed.num_physical, bench.spec.trace.seed);
  const int handle = layer->load(changed);
  const auto payload =
      payload_of(changed, bench.measured.payload.layer, kernel, bench.spec.capacity);
  const std::vector<Arm> arms = {
      {"measured",
       [&] { return run_step(bench.layer, bench.measured.handle, bench.measured.payload); }},
      {"without", [&] { return run_step(*layer, handle, payload); }}};
  SteadyClock clock;
  const auto result = measure(arms, options_of(bench.spec.measure), clock);
  rerun.verdict = judge_counterfactual(rerun.cause, booked_s, totals_s(result.arms[0]),
                                       totals_s(result.arms[1]));
  rerun.ran = true;
}

void split_hot_expert(const Bench& bench, const LedgerEntry& entry, Rerun& rerun) {
  if (entry.index >= bench.plan.num_physical) {
    rerun.reason = "A shared expert sees every token: splitting it changes no load.";
    return;
  }
  const double mean_rows = static_cast<double>(bench.plan.rows()) / bench.plan.num_physical;
  const double wanted = std::ceil(static_cast<double>(bench.plan.rows(entry.index)) / mean_rows);
  const int copies = std::clamp(static_cast<int>(wanted), 2, kMostCopies);
  rerun.change = fmt::format("expert {} split into {} copies", entry.index, copies);
  run_changed(bench, bench.spec.kernel, split_expert(bench.plan, entry.index, copies),
              entry.seconds, rerun);
}

void drop_padding(const Bench& bench, double booked_s, Rerun& rerun) {
  std::string ragged = bench.spec.kernel;
  const auto place = ragged.find("padded");
  if (place == std::string::npos) {
    rerun.reason = fmt::format("Kernel '{}' has no ragged twin to run instead.", ragged);
    return;
  }
  ragged.replace(place, std::string_view("padded").size(), "grouped");
  rerun.change = fmt::format("kernel '{}', which pads nothing", ragged);
  run_changed(bench, ragged, bench.plan, booked_s, rerun);
}

}  // namespace

std::vector<Rerun> rerun_without_causes(const PointSpec& spec, LayerBackend& backend,
                                        PreparedLayer& layer, const ProfileArm& measured,
                                        const DispatchPlan& plan, const LayerProfile& profile) {
  const Bench bench{spec, backend, layer, measured, plan};
  const auto& ledger = profile.ledger;
  std::vector<Rerun> reruns;
  for (const auto& entry : ledger.entries) {
    if (reruns.size() == kMostReruns) break;
    if (!(entry.seconds > kWorthRemoving * std::abs(ledger.difference_s()))) continue;
    Rerun rerun;
    rerun.cause = entry.cause;
    rerun.index = entry.index;
    if (entry.cause == LedgerCause::kExpert) {
      split_hot_expert(bench, entry, rerun);
    } else if (entry.cause == LedgerCause::kCapacityPadding) {
      drop_padding(bench, entry.seconds, rerun);
    } else if (entry.cause == LedgerCause::kHostGaps && layer.launches(measured.handle) > 0) {
      rerun.reason = "This backend launches eagerly only: there is no graph to replay instead.";
    } else {
      rerun.reason = "Nothing can be changed in one re-run that removes this cause alone.";
    }
    reruns.push_back(std::move(rerun));
  }
  return reruns;
}

}  // namespace hotexpert
