#include "scenarios/cli/rank_timeline.hpp"

#include <fmt/format.h>

#include "profiler/rank_trace.hpp"
#include "reports/embedded_series.hpp"
#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

constexpr int kPointsProcess = 0;  // ranks follow from 1 on
constexpr std::uint64_t kGap_ns = 50'000;

std::vector<double> values_of(const Comparison& comparison, std::size_t point, const char* metric) {
  const auto series = read_series(comparison, point, metric);
  return series ? series->values : std::vector<double>();
}

std::string point_name(const Comparison& comparison, const ComparedPoint& point) {
  std::string name;
  for (const auto& axis : comparison.axes) {
    const Json* value = comparison.value(point, axis.name);
    if (value != nullptr)
      name += fmt::format("{}{} {}", name.empty() ? "" : ", ", axis.name, display(*value));
  }
  return name.empty() ? title_of(comparison) : name;
}

}  // namespace

std::string rank_timeline(const Comparison& comparison) {
  TraceEvents trace;
  trace.name_process(kPointsProcess, "points");
  std::uint64_t now = 0;
  for (std::size_t i = 0; i < comparison.points.size(); ++i) {
    RankStep step;
    step.total_s = values_of(comparison, i, "rank_total_s");
    if (step.total_s.empty()) continue;
    step.ffn_s = values_of(comparison, i, "rank_ffn_s");
    step.dispatch_s = values_of(comparison, i, "rank_dispatch_s");
    step.return_s = values_of(comparison, i, "rank_return_s");
    step.rows = values_of(comparison, i, "rank_rows");
    const std::uint64_t end = add_rank_step(trace, kPointsProcess + 1, now, step);
    trace.slice(kPointsProcess, 0, point_name(comparison, comparison.points[i]), "point", now, end);
    now = end + kGap_ns;
  }
  if (now == 0) {
    throw UsageError(
        "no point of these runs has the times of several ranks (sweep with --ep.ranks 4, say)");
  }
  return trace.to_json(Json::object().set("title", title_of(comparison))).dump() + "\n";
}

}  // namespace hotexpert
