#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "kernels/cpu/expert_kernel.hpp"
#include "kernels/cuda/plan/cuda_kernels.hpp"
#include "scenarios/runner/profile_point.hpp"
#include "sim/base/params.hpp"

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
  const ProfileArms& arms;
  const DispatchPlan& plan;
  const DispatchPlan& control_plan;
};

/// Another kernel or plan on a layer of its own, beside the one that was profiled.
struct ChangedLayer {
  std::unique_ptr<PreparedLayer> layer;
  std::string kernel;

  [[nodiscard]] Arm arm(const char* name, const DispatchPlan& plan, const Bench& bench) const {
    const auto payload =
        payload_of(plan, bench.arms.measured.payload.layer, kernel, bench.spec.capacity);
    return {name, [layer = layer.get(), handle = layer->load(plan), payload] {
              return run_step(*layer, handle, payload);
            }};
  }
};

/// @return nullopt with rerun.reason where the backend cannot hold it
std::optional<ChangedLayer> change(const Bench& bench, const std::string& kernel, int num_physical,
                                   Rerun& rerun) {
  LayerShape needed = bench.spec.shape;  // a second set of weights comes into memory
  needed.num_experts = num_physical;
  if (const auto reason = bench.backend.unsupported(needed, kernel)) {
    rerun.reason = *reason;
    return std::nullopt;
  }
  return ChangedLayer{
      bench.backend.prepare(bench.spec.shape, kernel, num_physical, bench.spec.trace.seed), kernel};
}

Arm profiled(const char* name, const Bench& bench, const ProfileArm& arm) {
  return {name, [&bench, &arm] { return run_step(bench.layer, arm.handle, arm.payload); }};
}

/// Times the arms interleaved and compares what the first says, less the third where there is one,
/// with the second, less the fourth.
void judge(const Bench& bench, const std::vector<Arm>& arms, double booked_s, Rerun& rerun) {
  SteadyClock clock;
  const auto result = measure(arms, options_of(bench.spec.measure), clock);
  auto with_s = totals_s(result.arms[0]);
  auto without_s = totals_s(result.arms[1]);
  if (arms.size() == 4) {
    const auto control_s = totals_s(result.arms[2]);
    const auto changed_control_s = totals_s(result.arms[3]);
    for (std::size_t i = 0; i < with_s.size(); ++i) {
      with_s[i] -= control_s[i];
      without_s[i] -= changed_control_s[i];
    }
  }
  rerun.verdict = judge_counterfactual(rerun.cause, booked_s, with_s, without_s);
  rerun.ran = true;
}

/// The measured plan against a change that its control has nothing to gain from.
void run_changed(const Bench& bench, const std::string& kernel, const DispatchPlan& changed,
                 double booked_s, Rerun& rerun) {
  const auto other = change(bench, kernel, changed.num_physical, rerun);
  if (!other) return;
  judge(bench,
        {profiled("measured", bench, bench.arms.measured), other->arm("without", changed, bench)},
        booked_s, rerun);
}

/// The measured plan and its control against a change that both gain from: only what the measured
/// plan gains more was booked.
void run_both_changed(const Bench& bench, const std::string& kernel, double booked_s,
                      Rerun& rerun) {
  const auto other = change(bench, kernel, bench.plan.num_physical, rerun);
  if (!other) return;
  judge(bench,
        {profiled("measured", bench, bench.arms.measured), other->arm("without", bench.plan, bench),
         profiled("control", bench, bench.arms.control),
         other->arm("control without", bench.control_plan, bench)},
        booked_s, rerun);
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

/// Parameters of a kernel of a backend; none for kernels from elsewhere.
std::span<const ParamSpec> params_of(std::string_view backend, std::string_view kernel) {
  if (backend == "cuda") {
    for (const auto& row : cuda_kernels())
      if (row.name == choice_name(kernel)) return row.params;
  }
  if (backend == "cpu") {
    for (const auto& row : cpu_kernels())
      if (row.name == choice_name(kernel)) return row.params;
  }
  return {};
}

bool has_param(std::span<const ParamSpec> params, std::string_view name) {
  return std::ranges::find(params, name, &ParamSpec::name) != params.end();
}

/// Kernel `name` with those parameters of `kernel` that it has too.
std::string with_same_params(std::string_view name, std::string_view kernel,
                             std::span<const ParamSpec> params) {
  std::string twin(name);
  auto rest = kernel.substr(choice_name(kernel).size());
  while (!rest.empty()) {
    const auto param = rest.substr(0, rest.find(':', 1));
    if (has_param(params, param.substr(1, param.find('=') - 1))) twin += param;
    rest.remove_prefix(param.size());
  }
  return twin;
}

void drop_padding(const Bench& bench, double booked_s, Rerun& rerun) {
  const std::string& kernel = bench.spec.kernel;
  std::string twin(choice_name(kernel));
  if (!twin.ends_with("padded")) {
    rerun.reason = fmt::format("Kernel '{}' has no ragged twin to run instead.", kernel);
    return;
  }
  twin.replace(twin.size() - std::string_view("padded").size(), std::string::npos, "grouped");
  const auto ragged = with_same_params(twin, kernel, params_of(bench.spec.backend, twin));
  rerun.change = fmt::format("kernel '{}', which pads nothing", ragged);
  run_changed(bench, ragged, bench.plan, booked_s, rerun);
}

/// Launches between which the host is waited for become one graph.
void replay_a_graph(const Bench& bench, double booked_s, Rerun& rerun) {
  const std::string& kernel = bench.spec.kernel;
  if (bench.spec.backend != "cuda") {
    rerun.reason = fmt::format(
        "Kernels of backend '{}' are functions on the host: there are no launches that a graph "
        "could replay.",
        bench.spec.backend);
    return;
  }
  const auto params = params_of("cuda", kernel);
  if (!has_param(params, "launch")) {
    rerun.reason = fmt::format(
        "Kernel '{}' waits for sizes on the host in every step: it cannot be a graph.", kernel);
    return;
  }
  auto choice = NamedChoice::parse(kernel, params, "CUDA kernel");
  if (choice.get_word("launch") == "graph") {
    rerun.reason = "The step already is one CUDA graph: these gaps lie outside of it.";
    return;
  }
  choice.set("launch", 0);  // graph
  rerun.change = fmt::format("kernel '{}', one CUDA graph instead of launches", choice.to_string());
  run_both_changed(bench, choice.to_string(), booked_s, rerun);
}

}  // namespace

std::vector<Rerun> rerun_without_causes(const PointSpec& spec, LayerBackend& backend,
                                        PreparedLayer& layer, const ProfileArms& arms,
                                        const DispatchPlan& plan, const DispatchPlan& control_plan,
                                        const LayerProfile& profile) {
  const Bench bench{spec, backend, layer, arms, plan, control_plan};
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
    } else if (entry.cause == LedgerCause::kHostGaps) {
      replay_a_graph(bench, entry.seconds, rerun);
    } else {
      rerun.reason = "Nothing can be changed in one re-run that removes this cause alone.";
    }
    reruns.push_back(std::move(rerun));
  }
  return reruns;
}

}  // namespace hotexpert
