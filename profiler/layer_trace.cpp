#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "profiler/trace_events.hpp"

namespace hotexpert {
namespace {

struct Phase {
  const char* name;
  std::optional<double> seconds;
  std::uint64_t begin_ns = 0;
  std::uint64_t end_ns = 0;
};

std::uint64_t nanoseconds(double seconds) {
  return static_cast<std::uint64_t>(std::llround(1e9 * seconds));
}

Json tile_details(const TileRecord& tile, const TileRows& rows) {
  Json details;
  details.set("expert", tile.expert);
  details.set("row_tile", tile.row_tile);
  details.set("column_tile", tile.column_tile);
  details.set("token_rows", rows.token);
  details.set("padded_rows", rows.row_padding + rows.capacity_padding);
  return details;
}

void add_tiles(TraceEvents& trace, int process, const TileTimeline& timeline) {
  for (const auto& tile : timeline.tiles) {
    const auto rows = rows_of(timeline.grid, tile);
    trace.slice(process, tile.worker, fmt::format("expert {}", tile.expert), "tile", tile.begin_ns,
                tile.end_ns, tile_details(tile, rows));
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

/// Phases laid end to end so that the expert phase ends with the last tile. A phase that would
/// begin before time 0 is cut there.
void place_phases(std::span<Phase> phases, std::uint64_t expert_end_ns) {
  const auto expert = std::ranges::find(phases, std::string_view("expert"), &Phase::name);
  std::uint64_t end_ns = expert_end_ns;
  for (auto phase = std::make_reverse_iterator(expert + 1); phase != phases.rend(); ++phase) {
    phase->end_ns = end_ns;
    phase->begin_ns = end_ns - std::min(end_ns, nanoseconds(phase->seconds.value_or(0)));
    end_ns = phase->begin_ns;
  }
  std::uint64_t begin_ns = expert_end_ns;
  for (auto phase = expert + 1; phase != phases.end(); ++phase) {
    phase->begin_ns = begin_ns;
    phase->end_ns = begin_ns = begin_ns + nanoseconds(phase->seconds.value_or(0));
  }
}

}  // namespace

void add_layer_pass(TraceEvents& trace, int process, const LaneNames& names,
                    const TileTimeline& timeline, const PhaseTimes& times) {
  const int phase_thread = timeline.grid.num_workers;
  trace.name_process(process, names.process);
  trace.name_thread(process, phase_thread, "phases");
  for (int worker = 0; worker < timeline.grid.num_workers; ++worker)
    trace.name_thread(process, worker, fmt::format("{} {}", names.worker, worker));
  add_tiles(trace, process, timeline);
  add_busy_workers(trace, process, timeline);

  std::array phases = {Phase{"route", times.route_s}, Phase{"permute", times.permute_s},
                       Phase{"all_to_all", times.all_to_all_s}, Phase{"expert", times.expert_ffn_s},
                       Phase{"combine", times.combine_s}};
  place_phases(phases, timeline.end_ns());
  for (const auto& phase : phases) {
    if (phase.seconds && phase.end_ns > phase.begin_ns)
      trace.slice(process, phase_thread, phase.name, "phase", phase.begin_ns, phase.end_ns);
  }
  const auto& permute = phases[1];
  const auto& combine = phases[4];
  if (permute.seconds && combine.seconds)
    trace.flow("dispatch to combine", process, phase_thread, permute.begin_ns, process,
               phase_thread, combine.begin_ns);
}

}  // namespace hotexpert
