#include "profiler/rank_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hotexpert {
namespace {

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

double at(const std::vector<double>& values, std::size_t rank) {
  return rank < values.size() ? values[rank] : 0.0;
}

std::uint64_t nanoseconds_of(double seconds) {
  return static_cast<std::uint64_t>(std::llround(seconds * 1e9));
}

/// A rank's pass on the step's time line, between what it waits for.
struct PlacedRank {
  TracedPass pass;
  std::uint64_t combine_end_ns = 0;
  std::uint64_t wait_begin_ns = 0;  ///< 0: it waits for nobody
};

PlacedRank place_rank(const RankedPass& step, std::size_t rank) {
  constexpr std::uint64_t kStart_ns = 1'000'000;  // spans are placed backwards from here too
  PlacedRank placed{step.ranks[rank]};
  auto& pass = placed.pass;
  const std::uint64_t own_ns = kStart_ns + nanoseconds_of(at(step.dispatch_s, rank));
  const std::uint64_t begin_ns = kStart_ns + nanoseconds_of(largest(step.dispatch_s));
  const std::uint64_t end_ns = begin_ns + nanoseconds_of(pass.times.total_s);
  double slowest_s = 0;
  for (const auto& one : step.ranks) slowest_s = std::max(slowest_s, one.times.total_s);
  const std::uint64_t done_ns = begin_ns + nanoseconds_of(slowest_s);

  auto phases = spans_of(pass);
  const std::uint64_t was_ns = phases.empty() ? 0 : phases.front().begin_ns;
  for (auto& phase : phases) {
    phase.begin_ns = phase.begin_ns - was_ns + begin_ns;
    phase.end_ns = phase.end_ns - was_ns + begin_ns;
  }
  for (auto& tile : pass.timeline.tiles) {
    tile.begin_ns = tile.begin_ns - was_ns + begin_ns;
    tile.end_ns = tile.end_ns - was_ns + begin_ns;
  }
  const auto add = [&](const char* phase, std::uint64_t from_ns, std::uint64_t to_ns) {
    if (to_ns > from_ns) phases.push_back({phase, from_ns, to_ns});
  };
  placed.combine_end_ns = phases.empty() ? begin_ns : phases.back().end_ns;
  add("dispatch", kStart_ns, own_ns);
  add("wait for rows", own_ns, begin_ns);
  const std::uint64_t wait_ns = std::max(end_ns, placed.combine_end_ns);
  add("wait for the slowest rank", wait_ns, done_ns);
  if (done_ns > wait_ns) placed.wait_begin_ns = wait_ns;
  add("return", done_ns, done_ns + nanoseconds_of(at(step.return_s, rank)));
  std::ranges::stable_sort(phases, {}, &PhaseSpan::begin_ns);
  pass.phases = std::move(phases);
  return placed;
}

}  // namespace

std::uint64_t add_rank_step(TraceEvents& trace, int first_process, std::uint64_t start_ns,
                            const RankStep& step) {
  const auto ns = [start_ns](double seconds) {
    return start_ns + static_cast<std::uint64_t>(std::llround(seconds * 1e9));
  };
  const double arrived = largest(step.dispatch_s);
  const double done = arrived + largest(step.total_s);
  for (std::size_t rank = 0; rank < step.total_s.size(); ++rank) {
    const int process = first_process + static_cast<int>(rank);
    const auto slice = [&](const char* name, const char* category, double begin, double end) {
      if (ns(end) <= ns(begin)) return;
      trace.slice(process, 0, name, category, ns(begin), ns(end),
                  Json::object().set("rows", at(step.rows, rank)));
    };
    trace.name_process(process, fmt::format("rank {}", rank));
    slice("dispatch", "network", 0, at(step.dispatch_s, rank));
    slice("wait for rows", "wait", at(step.dispatch_s, rank), arrived);
    slice("compute", "compute", arrived, arrived + step.total_s[rank]);
    // Permute and combine surround the experts; only their sum is known.
    const double rest = std::max(0.0, step.total_s[rank] - at(step.ffn_s, rank)) / 2;
    slice("experts", "compute", arrived + rest, arrived + step.total_s[rank] - rest);
    slice("wait for the slowest rank", "wait", arrived + step.total_s[rank], done);
    slice("return", "network", done, done + at(step.return_s, rank));
  }
  return ns(done + largest(step.return_s));
}

void add_rank_passes(TraceEvents& trace, const RankedPass& step, const std::string& worker) {
  std::vector<PlacedRank> placed;
  for (std::size_t rank = 0; rank < step.ranks.size(); ++rank)
    placed.push_back(place_rank(step, rank));
  const int straggler = step.straggler();
  const auto& slowest = placed[static_cast<std::size_t>(straggler)];
  for (std::size_t rank = 0; rank < placed.size(); ++rank) {
    const int process = static_cast<int>(rank);
    add_layer_pass(trace, process, {fmt::format("rank {}", rank), worker}, placed[rank].pass);
    const std::uint64_t wait_ns = placed[rank].wait_begin_ns;
    if (process != straggler && wait_ns > 0 && wait_ns < slowest.combine_end_ns)
      trace.flow(fmt::format("wait for rank {}", straggler), straggler,
                 slowest.pass.timeline.grid.num_workers, slowest.combine_end_ns - 1, process,
                 placed[rank].pass.timeline.grid.num_workers, slowest.combine_end_ns - 1);
  }
}

}  // namespace hotexpert
