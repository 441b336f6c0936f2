#include "scenarios/runner/timed_mpi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "profiler/annotate.hpp"
#include "profiler/layer_measurements.hpp"
#include "profiler/layer_step.hpp"
#include "profiler/rank_layer.hpp"
#include "scenarios/runner/arms.hpp"
#include "scenarios/runner/parallel.hpp"
#include "scenarios/runner/rank_exchange.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/params.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kStop = "stop";

// What each rank reports of a pass, in this order.
constexpr std::array kReported = {
    &RankPhases::pack_s,   &RankPhases::dispatch_s, &RankPhases::arrange_s, &RankPhases::ffn_s,
    &RankPhases::gather_s, &RankPhases::wait_s,     &RankPhases::return_s,  &RankPhases::combine_s};

/// One pass as all ranks saw it. [R]
using PassOfRanks = std::vector<RankPhases>;

/// A loaded arm on this rank, with every pass seen.
struct ProcessArm {
  std::unique_ptr<RankLayer> layer;
  int handle = 0;
  RangePayload payload;  ///< of this rank's rows
  std::vector<PassOfRanks> passes = {};
};

RankPhases run_step(const ProcessArm& arm) {
  const AnnotatedRange step(RangeName::kStep);
  const AnnotatedRange layer(RangeName::kLayer, arm.payload);
  return arm.layer->run(arm.handle);
}

PassOfRanks run_pass(const ProcessArm& arm, Communicator& ranks) {
  const RankPhases mine = run_step(arm);
  std::array<double, kReported.size()> sent{};
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = mine.*kReported[i];
  const auto all = ranks.gather(sent);
  PassOfRanks pass(static_cast<std::size_t>(ranks.size()));
  for (std::size_t i = 0; i < all.size(); ++i)
    pass[i / sent.size()].*kReported[i % sent.size()] = all[i];
  return pass;
}

double own_work_s(const RankPhases& phases) {
  return phases.total_s() - phases.dispatch_s - phases.wait_s - phases.return_s;
}

template <class Value>
double largest(const PassOfRanks& pass, const Value& value) {
  double most = 0;
  for (const auto& rank : pass) most = std::max(most, value(rank));
  return most;
}

PhaseTimes phases_of(const PassOfRanks& pass) {
  const auto& slowest =
      *std::ranges::max_element(pass, {}, [](const auto& rank) { return own_work_s(rank); });
  PhaseTimes times;
  times.permute_s = slowest.pack_s + slowest.arrange_s + slowest.gather_s;
  times.expert_ffn_s = slowest.ffn_s;
  times.combine_s = slowest.combine_s;
  times.dispatch_s = largest(pass, [](const auto& rank) { return rank.dispatch_s; });
  times.return_s = largest(pass, [](const auto& rank) { return rank.return_s; });
  times.all_to_all_s = *times.dispatch_s + *times.return_s;
  times.total_s = largest(pass, [](const auto& rank) { return rank.total_s(); });
  for (const auto& rank : pass) times.rank_ffn_s.push_back(rank.ffn_s);
  return times;
}

std::vector<std::int32_t> experts_of_slots(const ExpertPlacement& placement) {
  std::vector<std::int32_t> experts;
  for (const auto expert : placement.physical_to_logical()) experts.push_back(index(expert));
  return experts;
}

ProcessArm load_arm(const PointSpec& spec, const PlannedArm& arm, int threads,
                    Communicator& ranks) {
  ProcessArm loaded;
  loaded.layer =
      std::make_unique<RankLayer>(spec.shape, spec.kernel, experts_of_slots(arm.placement),
                                  arm.plan.rank_of_expert, spec.trace.seed, ranks, threads);
  loaded.handle = loaded.layer->load(arm.plan, arm.source_rank);
  loaded.payload = payload_of(loaded.layer->layout(loaded.handle).arrival, arm.layer, spec.kernel,
                              spec.capacity);
  loaded.payload.tokens = arm.plan.tokens;  // of the step, not of the rows that arrive
  return loaded;
}

/// The worst error over ranks and the expert that has it; the same on every rank.
std::pair<double, int> worst_error(const ProcessArm& arm, Communicator& ranks) {
  int expert = -1;
  const double error = arm.layer->verify(arm.handle, expert);
  const auto all = ranks.gather(std::array{error, static_cast<double>(expert)});
  std::pair<double, int> worst{0.0, -1};
  for (std::size_t i = 0; i < all.size(); i += 2) {
    if (!(all[i] <= worst.first)) worst = {all[i], static_cast<int>(all[i + 1])};
  }
  return worst;
}

/// Rank 0 times the arms; whenever one is to run it tells the others.
MeasureResult measure_with(std::vector<ProcessArm>& loaded, const std::vector<PlannedArm>& planned,
                           const PointSpec& spec, Communicator& ranks) {
  std::vector<Arm> arms;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    arms.push_back({std::string(planned[i].name), [&, i] {
                      ranks.broadcast(fmt::format("{}", i));
                      loaded[i].passes.push_back(run_pass(loaded[i], ranks));
                      return phases_of(loaded[i].passes.back());
                    }});
  }
  SteadyClock clock;
  MeasureResult measured = measure(arms, measure_options(spec), clock);
  ranks.broadcast(std::string(kStop));
  return measured;
}

void run_when_told(std::vector<ProcessArm>& loaded, Communicator& ranks) {
  while (true) {
    const std::string told = ranks.broadcast("");
    if (told == kStop) return;
    run_pass(loaded.at(static_cast<std::size_t>(parse_integer(told, "arm"))), ranks);
  }
}

/// Median over the last `passes` passes of a time of each rank. [R]
template <class Value>
std::vector<double> medians(const ProcessArm& arm, std::size_t passes, const Value& value) {
  std::vector<double> out;
  for (std::size_t rank = 0; rank < arm.passes.front().size(); ++rank) {
    std::vector<double> seconds;
    for (std::size_t i = arm.passes.size() - passes; i < arm.passes.size(); ++i)
      seconds.push_back(value(arm.passes[i][rank]));
    out.push_back(median(seconds));
  }
  return out;
}

void add_process_series(const PlannedArm& planned, const ProcessArm& arm, std::size_t passes,
                        PointResult& result) {
  const auto add = [&](std::string name, const auto& value) {
    result.series.push_back(series_along("rank", std::move(name), "s", Provenance::kMeasured,
                                         medians(arm, passes, value)));
  };
  add("rank_ffn_s", [](const RankPhases& p) { return p.ffn_s; });
  add("rank_total_s", [](const RankPhases& p) { return own_work_s(p); });
  add("rank_wait_s", [](const RankPhases& p) { return p.wait_s; });
  add("rank_dispatch_s", [](const RankPhases& p) { return p.dispatch_s; });
  add("rank_return_s", [](const RankPhases& p) { return p.return_s; });
  result.series.push_back(series_along("rank", "rank_rows", "count", Provenance::kCounted,
                                       rows_of_ranks(planned.plan)));
  const auto busy = medians(arm, passes, own_work_s);
  add_straggler(planned, static_cast<int>(std::ranges::max_element(busy) - busy.begin()),
                Provenance::kMeasured, result);
}

/// Cores of a rank: all of them shared out, at least one.
int threads_of_rank(const PointSpec& spec) {
  if (spec.threads > 0) return spec.threads;
  return std::max(1, available_threads() / spec.parallel.ranks);
}

std::vector<PlannedArm> plan_point(PointSpec& spec) {
  TraceCache traces(1);
  const auto trace = traces.open(spec.trace);
  resolve_shape(spec, trace->info());
  const Placements placements = place_experts(spec, *trace, 1);
  PointResult uncounted;
  const Counted counted = count_point(spec, *trace, placements, 1, uncounted);
  return plan_arms(spec, *trace, placements, counted);
}

PointSpec spec_of(const AxisChoice& choice) {
  PointSpec spec = make_point_spec(choice);
  spec.backend = "cpu";
  return spec;
}

AxisChoice choice_from(const Json& json) {
  AxisChoice choice;
  for (const auto& axis : axes()) {
    if (const Json* value = json.find(axis.name)) choice[axis.name] = value->as_string();
  }
  return choice;
}

}  // namespace

void time_with_processes(const PointSpec& asked, Communicator& ranks, PointResult& result) {
  PointSpec spec = asked;
  if (spec.parallel.ranks != ranks.size()) {
    throw UsageError(fmt::format("ep.ranks: {} ranks need as many processes, and {} were started",
                                 spec.parallel.ranks, ranks.size()));
  }
  const auto planned = plan_point(spec);
  std::vector<ProcessArm> loaded;
  double error = 0;
  for (const auto& arm : planned) {
    loaded.push_back(load_arm(spec, arm, threads_of_rank(spec), ranks));
    run_pass(loaded.back(), ranks);
    const auto [worst, expert] = worst_error(loaded.back(), ranks);
    if (!check_error(spec, arm.name, worst, expert, result)) return;
    error = std::max(error, worst);
  }
  if (ranks.rank() != 0) {
    run_when_told(loaded, ranks);
    return;
  }
  const MeasureResult measured = measure_with(loaded, planned, spec, ranks);
  for (const auto& arm : planned) result.series.push_back(arm_load_series(arm));
  result.measurements.push_back({"kernel.max_relative_error", error, Provenance::kCounted});
  for (auto& measurement : to_measurements(measured)) result.measurements.push_back(measurement);
  for (const auto& warning : measured.warnings) result.warnings.push_back(warning.text);
  add_process_series(planned.front(), loaded.front(), measured.arms.front().samples.size(), result);
}

void lead_point(const AxisChoice& choice, Communicator& ranks, PointResult& result) {
  Json sent = Json::object();
  for (const auto& [axis, value] : choice) sent.set(std::string(axis), value);
  ranks.broadcast(sent.dump());
  time_with_processes(spec_of(choice), ranks, result);
}

void lead_end(Communicator& ranks) { ranks.broadcast(""); }

void follow(Communicator& ranks) {
  const AnnotatedRange sweep(RangeName::kSweep);
  while (true) {
    const std::string told = ranks.broadcast("");
    if (told.empty()) return;
    const AnnotatedRange point(RangeName::kPoint);
    PointResult unused;
    time_with_processes(spec_of(choice_from(Json::parse(told, "point"))), ranks, unused);
  }
}

}  // namespace hotexpert
