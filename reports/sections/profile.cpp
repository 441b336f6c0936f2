#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "reports/embedded_series.hpp"
#include "reports/number_format.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kBegin = "profile.tile_begin_s";
constexpr std::string_view kSeconds = "profile.tile_seconds";
constexpr std::string_view kWorker = "profile.tile_worker";
constexpr std::string_view kExpert = "profile.tile_expert";
constexpr std::string_view kTokenRows = "profile.tile_token_rows";
constexpr std::string_view kPaddedRows = "profile.tile_padded_rows";
constexpr std::string_view kPass = "profile.tile_pass";  // of forward and backward together
constexpr std::array<std::string_view, 4> kPasses = {"forward", "dgrad", "wgrad", "wgrad sums"};
constexpr std::string_view kShare = "profile.expert_share";
constexpr std::string_view kRows = "profile.expert_rows";
constexpr std::string_view kBooked = "ledger.by_expert_s";
constexpr std::string_view kMeasured = "ledger.measured_s";
constexpr std::string_view kControl = "ledger.control_s";
constexpr std::string_view kUnexplained = "ledger.unexplained_s";
constexpr double kUnexplainedLimit = 0.10;  // of the difference: above it, read with care

/// The causes of a ledger in the order of the waterfall, as results name them.
constexpr std::array<std::string_view, 12> kCauses = {"ledger.expert_s",
                                                      "ledger.worker_s",
                                                      "ledger.token_rows_s",
                                                      "ledger.row_padding_s",
                                                      "ledger.capacity_padding_s",
                                                      "ledger.weight_bytes_s",
                                                      "ledger.tail_wave_s",
                                                      "ledger.host_gaps_s",
                                                      "ledger.movement_s",
                                                      "ledger.all_to_all_s",
                                                      "ledger.clock_s",
                                                      "ledger.unexplained_s"};

/// The point a chart shows first: a profile is one point.
std::size_t shown_point(const View& view) {
  return view.lines.empty() || view.lines.front().points.empty()
             ? kNone
             : view.lines.front().points.front();
}

std::vector<double> values_of(const Comparison& comparison, std::size_t point,
                              std::string_view metric) {
  const auto series = read_series(comparison, point, metric);
  return series ? series->values : std::vector<double>{};
}

std::string pass_name(double number) {
  if (!(number >= 0 && number < static_cast<double>(kPasses.size()))) return "";
  return std::string(kPasses[static_cast<std::size_t>(number)]);
}

std::string milliseconds(double seconds) { return fmt::format("{:.3f}", 1e3 * seconds); }

ViewSpec timeline_view() { return {.series = {kBegin, kSeconds, kWorker, kExpert}}; }
ViewSpec ledger_view() { return {.metrics = {kMeasured, kControl}}; }
ViewSpec share_view() { return {.series = {kShare, kRows}}; }

Table timeline_table(const Comparison& comparison, const View& view) {
  Table out{"Tiles of the experts, by worker and begin",
            {{"worker", true},
             {"begin, ms", true},
             {"time, ms", true},
             {"expert", true},
             {"token rows", true},
             {"padded rows", true}},
            {},
            0};
  const std::size_t point = shown_point(view);
  if (point == kNone) return out;
  std::array<std::vector<double>, 6> columns;
  const std::array names = {kWorker, kBegin, kSeconds, kExpert, kTokenRows, kPaddedRows};
  for (std::size_t i = 0; i < names.size(); ++i)
    columns[i] = values_of(comparison, point, names[i]);
  const std::size_t tiles = columns[0].size();
  for (const auto& column : columns) {
    if (column.size() != tiles) return out;
  }
  const auto pass = values_of(comparison, point, kPass);
  const bool passes = pass.size() == tiles && tiles > 0;
  if (passes) out.columns.push_back({"pass", false});
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    if (out.rows.size() == kMaxTableRows) {
      out.left_out = tiles - kMaxTableRows;
      break;
    }
    out.rows.push_back({kNone,
                        {shortest(columns[0][tile]), milliseconds(columns[1][tile]),
                         milliseconds(columns[2][tile]), shortest(columns[3][tile]),
                         shortest(columns[4][tile]), shortest(columns[5][tile])}});
    if (passes) out.rows.back().cells.push_back(pass_name(pass[tile]));
  }
  return out;
}

void say_timeline(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const std::size_t point = shown_point(view);
  if (point == kNone) return;
  const auto begin = values_of(comparison, point, kBegin);
  const auto seconds = values_of(comparison, point, kSeconds);
  const auto expert = values_of(comparison, point, kExpert);
  const auto worker = values_of(comparison, point, kWorker);
  const auto* idle = comparison.points[point].result.find("profile.idle_fraction");
  if (begin.empty() || seconds.size() != begin.size() || expert.size() != begin.size() ||
      worker.size() != begin.size() || idle == nullptr)
    return;
  std::size_t last = 0;
  for (std::size_t i = 1; i < begin.size(); ++i) {
    if (begin[i] + seconds[i] > begin[last] + seconds[last]) last = i;
  }
  out.push_back(
      {"profile-timeline", percent(idle->value),
       fmt::format("In the profiled pass expert {}'s tiles ended last, on worker {}; "
                   "workers were idle {} of the expert phase.",
                   shortest(expert[last]), shortest(worker[last]), percent(idle->value))});
}

/// "0.180 ms booked, 0.175 ms saved (0.170 to 0.181): confirmed"; "" where the cause of a metric
/// ledger.CAUSE_s was not removed.
std::string rerun_of(const PointResult& result, std::string_view metric) {
  const auto cause = metric.substr(0, metric.size() - std::string_view("_s").size())
                         .substr(std::string_view("ledger.").size());
  const auto* booked = result.find(fmt::format("rerun.{}_booked_s", cause));
  const auto* saved = result.find(fmt::format("rerun.{}_saved_s", cause));
  const auto* confirmed = result.find(fmt::format("rerun.{}_confirmed", cause));
  if (booked == nullptr || saved == nullptr || confirmed == nullptr) return "";
  const auto interval = saved->ci95 ? fmt::format(" ({} to {})", milliseconds(saved->ci95->low),
                                                  milliseconds(saved->ci95->high))
                                    : std::string();
  return fmt::format("{} ms booked, {} ms saved{}: {}", milliseconds(booked->value),
                     milliseconds(saved->value), interval,
                     confirmed->value > 0 ? "confirmed" : "not confirmed");
}

Table ledger_table(const Comparison& comparison, const View& view) {
  Table out{"Where the difference between the measured step and its balanced control is booked",
            {{"booked to"},
             {"time, ms", true},
             {"95 % interval, ms", true},
             {"of the difference", true},
             {"removed and run again"}},
            {},
            0};
  const std::size_t point = shown_point(view);
  if (point == kNone) return out;
  const auto& result = comparison.points[point].result;
  const double difference = result.find(kMeasured)->value - result.find(kControl)->value;
  const auto add = [&](std::string_view metric, bool is_cause) {
    const auto* found = result.find(metric);
    const auto* info = comparison.metric(metric);
    if (found == nullptr || info == nullptr) return;
    const auto interval = found->ci95 ? fmt::format("{} to {}", milliseconds(found->ci95->low),
                                                    milliseconds(found->ci95->high))
                                      : std::string();
    const bool has_share = is_cause && difference != 0;
    out.rows.push_back({kNone,
                        {info->label, milliseconds(found->value), interval,
                         has_share ? fmt::format("{:.1f} %", 100 * found->value / difference) : "",
                         rerun_of(result, metric)}});
  };
  add(kControl, false);
  for (const auto cause : kCauses) add(cause, true);
  add(kMeasured, false);
  return out;
}

void say_ledger(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const std::size_t point = shown_point(view);
  if (point == kNone) return;
  const auto& result = comparison.points[point].result;
  const double difference = result.find(kMeasured)->value - result.find(kControl)->value;
  const auto* unexplained = result.find(kUnexplained);
  const double share =
      unexplained == nullptr || difference == 0 ? 0 : std::abs(unexplained->value / difference);
  if (share > kUnexplainedLimit) {
    out.push_back({"profile-ledger", percent(share),
                   fmt::format("{} of the {} between the profiled step and its balanced control is "
                               "unexplained: do not act on this ledger; profile again on an idle "
                               "machine.",
                               percent(share), with_unit(std::abs(difference), "s"))});
    return;
  }
  const Measurement* most = nullptr;
  for (const auto cause : kCauses) {
    const auto* found = result.find(cause);
    if (found == nullptr || !found->ci95 || found->ci95->low <= 0) continue;  // only what is sure
    if (most == nullptr || found->value > most->value) most = found;
  }
  if (most == nullptr || difference <= 0 || most->value < 0.05 * difference) return;
  const auto* info = comparison.metric(most->metric);
  out.push_back({"profile-ledger", percent(std::min(1.0, most->value / difference)),
                 fmt::format("Of the {} that the profiled step takes over its balanced control, {} "
                             "is booked to: {}.",
                             with_unit(difference, "s"), with_unit(most->value, "s"),
                             info == nullptr ? most->metric : info->label)});
}

Table share_table(const Comparison& comparison, const View& view) {
  Table out{"Each expert's share of the workers' time and of the rows",
            {{"expert", true}, {"rows", true}, {"share of rows", true}, {"share of time", true}},
            {},
            0};
  const std::size_t point = shown_point(view);
  if (point == kNone) return out;
  const auto share = values_of(comparison, point, kShare);
  const auto rows = values_of(comparison, point, kRows);
  const double total = std::accumulate(rows.begin(), rows.end(), 0.0);
  for (std::size_t expert = 0; expert < share.size() && expert < rows.size(); ++expert) {
    if (out.rows.size() == kMaxTableRows) {
      out.left_out = share.size() - kMaxTableRows;
      break;
    }
    out.rows.push_back({kNone,
                        {std::to_string(expert), shortest(rows[expert]),
                         total > 0 ? fmt::format("{:.2f} %", 100 * rows[expert] / total) : "",
                         fmt::format("{:.2f} %", 100 * share[expert])}});
  }
  return out;
}

ViewSpec roofline_view() {
  return {.lines = {"run", "kernel", "skew."},
          .metrics = {"counter.intensity", "kernel.flops_per_s", "roof.flops_per_s",
                      "roof.bytes_per_s"}};
}

Table roofline_table(const Comparison& comparison, const View& view) {
  return point_table(comparison, view, "Counters of the expert kernels, and the device's peaks",
                     {"counter.intensity", "kernel.flops_per_s", "counter.expert_s",
                      "counter.dram_bytes", "counter.tensor_fraction", "counter.sm_max_over_mean",
                      "roof.flops_per_s", "roof.bytes_per_s"});
}

void say_roofline(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const std::size_t point = shown_point(view);
  if (point == kNone) return;
  const auto value = [&](std::string_view metric) {
    return comparison.points[point].result.find(metric)->value;
  };
  const double by_memory = value("counter.intensity") * value("roof.bytes_per_s");
  const double roof = std::min(value("roof.flops_per_s"), by_memory);
  if (!(roof > 0)) return;
  const double reached = value("kernel.flops_per_s") / roof;
  out.push_back(
      {"profile-roofline", percent(reached),
       fmt::format("By its counters the expert kernel reaches {} of its roof, which is the {} "
                   "at {} flop per byte.",
                   percent(reached),
                   by_memory < value("roof.flops_per_s") ? "memory bandwidth" : "peak rate",
                   significant(value("counter.intensity")))});
}

}  // namespace

const ReportSection kProfileTimeline = {
    .id = "profile-timeline",
    .group = SectionGroup::kInside,
    .title = "Timeline of the experts' tiles",
    .how_to_read =
        "One pass, a lane a worker: threads of the CPU or multiprocessors of a device. Bars are "
        "tiles, the hottest experts in colours of their own; hatched is the part that padded rows "
        "take. What is empty at the right end is waiting for the last tile.",
    .view = timeline_view,
    .table = timeline_table,
    .findings = say_timeline,
    .series = [] {
      return std::vector<SeriesRequest>{{kBegin},     {kSeconds},    {kWorker}, {kExpert},
                                        {kTokenRows}, {kPaddedRows}, {kPass}};
    }};

const ReportSection kProfileLedger = {
    .id = "profile-ledger",
    .group = SectionGroup::kInside,
    .title = "Straggler ledger",
    .how_to_read =
        "From the balanced control to the measured step: every microsecond between them is booked "
        "to one cause, and what no cause accounts for is shown as unexplained. Causes below zero "
        "made the step shorter.",
    .view = ledger_view,
    .table = ledger_table,
    .findings = say_ledger,
    .series = [] { return std::vector<SeriesRequest>{{kBooked}}; }};

const ReportSection kProfileShare = {
    .id = "profile-share",
    .group = SectionGroup::kInside,
    .title = "Time of each expert",
    .how_to_read =
        "Share of the workers' busy time beside the share of token rows. More time than rows: "
        "padding, or tiles of few rows that wait for their weights.",
    .view = share_view,
    .table = share_table,
    .series = [] {
      return std::vector<SeriesRequest>{{kShare}, {kRows}};
    }};

const ReportSection kProfileRoofline = {
    .id = "profile-roofline",
    .group = SectionGroup::kInside,
    .title = "Counters against the roofline",
    .how_to_read =
        "What hardware counters say, ours or Nsight Compute's, under the device's peaks (dashed, "
        "from its data sheet): left of the bend memory bandwidth is the limit, right of it the "
        "rate of the math units.",
    .view = roofline_view,
    .table = roofline_table,
    .findings = say_roofline};

}  // namespace hotexpert
