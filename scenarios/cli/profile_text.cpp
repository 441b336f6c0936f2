#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scenarios/cli/profile_output.hpp"
#include "scenarios/cli/table.hpp"
#include "scenarios/cli/terminal.hpp"

namespace hotexpert {
namespace {

constexpr std::size_t kMostRows = 8;
constexpr std::size_t kMostRanks = 16;

std::string ms(double seconds) { return fmt::format("{:.3f}", 1e3 * seconds); }
std::string signed_ms(double seconds) { return fmt::format("{:+.3f}", 1e3 * seconds); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string indented(const std::string& table) {
  std::string out;
  std::size_t begin = 0;
  while (begin < table.size()) {
    const auto end = table.find('\n', begin);
    out += "  " + table.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

std::string worker_table(const PointProfile& profile) {
  const auto& summary = profile.layer.summary;
  CommandTable table{{"worker", "busy ms", "waits at the end, ms"}, {}, {}};
  std::vector<std::size_t> order(summary.worker_busy_s.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::size_t worker) { return summary.worker_tail_s[worker]; });
  for (const auto worker : order) {
    if (table.rows.size() == kMostRows) break;
    table.rows.push_back(Json::object()
                             .set("worker", static_cast<std::int64_t>(worker))
                             .set("busy ms", ms(summary.worker_busy_s[worker]))
                             .set("waits at the end, ms", ms(summary.worker_tail_s[worker])));
  }
  std::string out = indented(text_table(table));
  if (order.size() > kMostRows)
    out += fmt::format("  and {} more that wait less\n", order.size() - kMostRows);
  return out;
}

std::string expert_table(const PointProfile& profile) {
  const auto& summary = profile.layer.summary;
  const auto& grid = profile.shown.timeline.grid;
  CommandTable table{{"expert", "rows", "tiles", "share of time", "last tile ends, ms"}, {}, {}};
  auto order = summary.experts_by_last_end;
  std::ranges::stable_sort(order, std::greater{}, [&](int expert) {
    return summary.expert_share[static_cast<std::size_t>(expert)];
  });
  for (const int expert : order) {
    if (table.rows.size() == kMostRows) break;
    const auto e = static_cast<std::size_t>(expert);
    table.rows.push_back(Json::object()
                             .set("expert", expert)
                             .set("rows", grid.token_rows[e])
                             .set("tiles", grid.tiles(expert))
                             .set("share of time", percent(summary.expert_share[e]))
                             .set("last tile ends, ms", ms(summary.expert_end_s[e])));
  }
  std::string out = indented(text_table(table));
  if (order.size() > kMostRows)
    out += fmt::format("  and {} more with less time\n", order.size() - kMostRows);
  return out;
}

/// Of several passes: how long each took, and whose tile was the longest of it.
std::string pass_table(const TimelineSummary& summary) {
  if (summary.bands.empty()) return "";
  CommandTable table{
      {"pass", "tiles", "span ms", "busy ms", "longest tile, ms", "of expert"}, {}, {}};
  for (const auto& band : summary.bands) {
    if (band.tiles == 0) continue;
    table.rows.push_back(Json::object()
                             .set("pass", band.pass)
                             .set("tiles", band.tiles)
                             .set("span ms", ms(band.span_s))
                             .set("busy ms", ms(band.busy_s))
                             .set("longest tile, ms", ms(band.longest_s))
                             .set("of expert", band.longest_expert));
  }
  return indented(text_table(table));
}

std::string timeline_text(const PointProfile& profile) {
  const auto& summary = profile.layer.summary;
  const auto& tiles = profile.shown.timeline.tiles;
  const auto last = std::ranges::max_element(tiles, {}, &TileRecord::end_ns);
  std::string out = fmt::format(
      "Timeline of the pass nearest to the median{}: layer {} ms, expert phase {} ms, {} tiles\n",
      profile.ranks.ranks.empty() ? "" : fmt::format(", rank {}", profile.ranks.straggler()),
      ms(profile.shown.times.total_s), ms(summary.span_s), tiles.size());
  out += fmt::format("  expert {}'s tiles ended last, on worker {}.\n", last->expert, last->worker);
  out +=
      fmt::format("  Workers idle {} of the expert phase; padded rows take {} of the busy time.\n",
                  percent(summary.idle_fraction), percent(summary.padding_share));
  out += fmt::format("  Recording the tiles cost {:+.2f} % of the layer time{}.\n",
                     100 * profile.layer.trace_overhead.value,
                     profile.layer.trace_overhead.resolved() ? "" : ", within noise");
  return out + pass_table(summary) + worker_table(profile) + expert_table(profile);
}

std::string rank_table(const PointProfile& profile) {
  const auto& step = profile.ranks;
  if (step.ranks.empty()) return "";
  std::string out = fmt::format(
      "Ranks of the step nearest to the median: {} ms, of it {} ms for rank {}\n",
      ms(step.step_s()), ms(step.ranks[static_cast<std::size_t>(step.straggler())].times.total_s),
      step.straggler());
  CommandTable table{{"rank", "rows", "own work, ms", "exchange (model), ms", "waits, ms"}, {}, {}};
  for (std::size_t rank = 0; rank < step.ranks.size() && rank < kMostRanks; ++rank) {
    const auto& grid = step.ranks[rank].timeline.grid;
    table.rows.push_back(
        Json::object()
            .set("rank", static_cast<std::int64_t>(rank))
            .set("rows",
                 std::accumulate(grid.token_rows.begin(), grid.token_rows.end(), std::int64_t{0}))
            .set("own work, ms", ms(step.ranks[rank].times.total_s))
            .set("exchange (model), ms", ms(step.dispatch_s[rank] + step.return_s[rank]))
            .set("waits, ms", ms(step.wait_s(static_cast<int>(rank)))));
  }
  out += indented(text_table(table));
  if (step.ranks.size() > kMostRanks)
    out += fmt::format("  and {} more\n", step.ranks.size() - kMostRanks);
  return out + "\n";
}

std::string ledger_text(const PointProfile& profile) {
  const auto& ledger = profile.layer.ledger;
  const double difference_s = ledger.difference_s();
  std::string out = fmt::format(
      "Ledger: measured {} ms - balanced control {} ms = {} ms, mean over {} pairs of passes\n",
      ms(ledger.measured_s), ms(ledger.control_s), signed_ms(difference_s),
      profile.layer.pairs.size());
  for (const auto& doubt : profile.doubts) out += "  warning: " + printable(doubt.text) + "\n";
  CommandTable table{{"ms", "of the difference", "booked to", "because"}, {}, {}};
  double rest_s = 0;
  std::size_t rest = 0;
  for (const auto& entry : ledger.entries) {
    if (table.rows.size() == kMostRows) {
      rest_s += entry.seconds;
      ++rest;
      continue;
    }
    table.rows.push_back(Json::object()
                             .set("ms", signed_ms(entry.seconds))
                             .set("of the difference",
                                  difference_s != 0 ? percent(entry.seconds / difference_s) : "")
                             .set("booked to", entry.subject)
                             .set("because", entry.meaning));
  }
  out += indented(text_table(table));
  if (rest > 0) out += fmt::format("  and {} smaller entries: {} ms\n", rest, signed_ms(rest_s));
  return out;
}

std::string reruns_text(const PointProfile& profile) {
  if (profile.reruns.empty()) return "";
  std::string out = "Causes removed and run again\n";
  for (const auto& rerun : profile.reruns) {
    const auto what = rerun.index >= 0 ? fmt::format("{} {}", name(rerun.cause), rerun.index)
                                       : std::string(name(rerun.cause));
    out += rerun.ran ? fmt::format("  {}: {}\n", rerun.change, rerun.verdict.sentence)
                     : fmt::format("  {}: {}\n", what, rerun.reason);
  }
  return out;
}

}  // namespace

std::string profile_text(const PointProfile& profile, const std::string& title) {
  std::string out = printable(title) + "\n" +
                    printable(fmt::format("kernel {} on {}, {}; {} passes", profile.kernel,
                                          profile.backend, profile.device, profile.steps)) +
                    "\n";
  if (profile.profiled && profile.layer.untraced.empty())
    out += "\n" + rank_table(profile) + timeline_text(profile) + "\n" + ledger_text(profile) +
           "\n" + reruns_text(profile);
  if (!profile.remarks.empty()) out += "\n";
  for (const auto& remark : profile.remarks) out += "note: " + printable(remark) + "\n";
  return out;
}

}  // namespace hotexpert
