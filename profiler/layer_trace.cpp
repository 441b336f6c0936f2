#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "profiler/trace_events.hpp"

namespace hotexpert {
namespace {

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(std::llround(1e9 * seconds));
}

Json tile_details(const TileRecord& tile, const TileRows& rows, const TileBand* band) {
  Json details;
  details.set("expert", tile.expert);
  if (band != nullptr) details.set("pass", band->pass);
  details.set("row_tile", tile.row_tile);
  details.set("column_tile", tile.column_tile);
  details.set("token_rows", rows.token);
  details.set("padded_rows", rows.row_padding + rows.capacity_padding);
  return details;
}

void add_tiles(TraceEvents& trace, int process, const TileTimeline& timeline) {
  for (const auto& tile : timeline.tiles) {
    const auto rows = rows_of(timeline.grid, tile);
    const TileBand* band = timeline.grid.band(tile.column_tile);
    const auto name = band == nullptr ? fmt::format("expert {}", tile.expert)
                                      : fmt::format("expert {}, {}", tile.expert, band->pass);
    trace.slice(process, tile.worker, name, "tile", tile.begin_ns, tile.end_ns,
                tile_details(tile, rows, band));
    const auto padded = rows.row_padding + rows.capacity_padding;
    if (padded == 0) continue;
    const auto share = static_cast<double>(padded) / static_cast<double>(rows.computed());
    const auto padding_ns =
        static_cast<std::uint64_t>(share * static_cast<double>(tile.end_ns - tile.begin_ns));
    trace.slice(process, tile.worker, "padding", "padding", tile.end_ns - padding_ns, tile.end_ns);
  }
}

void add_busy_workers(TraceEvents& trace, int process, const TileTimeline& timeline) {
  std::vector<std::pair<std::uint64_t, int>> changes;
  for (const auto& tile : timeline.tiles) {
    changes.emplace_back(tile.begin_ns, 1);
    changes.emplace_back(tile.end_ns, -1);
  }
  std::ranges::sort(changes);
  int busy = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    busy += changes[i].second;
    const bool last_at_this_time =
        i + 1 == changes.size() || changes[i + 1].first != changes[i].first;
    if (last_at_this_time) trace.counter(process, "busy workers", changes[i].first, busy);
  }
}

/// The phases of a pass laid end to end so that the expert phase ends with the last tile. A phase
/// that would begin before time 0 is cut there.
std::vector<PhaseSpan> placed_phases(const PhaseTimes& times, std::uint64_t expert_end_ns) {
  struct Timed {
    const char* phase;
    std::optional<double> seconds;
  };
  const std::array before = {Timed{"expert", times.expert_ffn_s},
                             Timed{"all_to_all", times.all_to_all_s},
                             Timed{"permute", times.permute_s}, Timed{"route", times.route_s}};
  std::vector<PhaseSpan> phases;
  std::uint64_t end_ns = expert_end_ns;
  for (const auto& one : before) {
    const auto begin_ns = end_ns - std::min(end_ns, nanoseconds(one.seconds.value_or(0)));
    phases.insert(phases.begin(), {one.phase, begin_ns, end_ns});
    end_ns = begin_ns;
  }
  phases.push_back(
      {"combine", expert_end_ns, expert_end_ns + nanoseconds(times.combine_s.value_or(0))});
  std::erase_if(phases, [](const PhaseSpan& one) { return one.end_ns == one.begin_ns; });
  return phases;
}

}  // namespace

std::vector<PhaseSpan> spans_of(const TracedPass& pass) {
  return pass.phases.empty() ? placed_phases(pass.times, pass.timeline.end_ns()) : pass.phases;
}

void add_layer_pass(TraceEvents& trace, int process, const LaneNames& names,
                    const TracedPass& pass) {
  const auto& timeline = pass.timeline;
  const int phase_thread = timeline.grid.num_workers;
  trace.name_process(process, names.process);
  trace.name_thread(process, phase_thread, "phases");
  for (int worker = 0; worker < timeline.grid.num_workers; ++worker)
    trace.name_thread(process, worker, fmt::format("{} {}", names.worker, worker));
  add_tiles(trace, process, timeline);
  add_busy_workers(trace, process, timeline);

  const auto phases = spans_of(pass);
  for (const auto& one : phases)
    trace.slice(process, phase_thread, one.phase, "phase", one.begin_ns, one.end_ns);
  auto from = std::ranges::find(phases, "dispatch", &PhaseSpan::phase);
  if (from == phases.end()) from = std::ranges::find(phases, "permute", &PhaseSpan::phase);
  const auto to = std::ranges::find(phases.rbegin(), phases.rend(), "combine", &PhaseSpan::phase);
  if (from != phases.end() && to != phases.rend())
    trace.flow("dispatch to combine", process, phase_thread, from->begin_ns, process, phase_thread,
               to->begin_ns);
}

}  // namespace hotexpert
