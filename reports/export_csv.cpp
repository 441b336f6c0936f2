#include <array>
#include <string>
#include <vector>

#include "reports/exporters.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

struct MetricColumns {
  const ComparedMetric* metric;
  bool has_interval = false;
  bool has_percentiles = false;
};

std::array<double, 4> values_of(const Percentiles& percentiles) {
  return {percentiles.p50, percentiles.p95, percentiles.p99, percentiles.max};
}

std::string titled(const std::string& name, const std::string& unit) {
  return unit.empty() ? name : name + " [" + unit + "]";
}

std::vector<MetricColumns> metric_columns(const Comparison& comparison) {
  std::vector<MetricColumns> columns;
  for (const auto& metric : comparison.metrics) {
    MetricColumns entry{&metric};
    for (const auto& point : comparison.points) {
      const auto* found = point.result.find(metric.name);
      entry.has_interval = entry.has_interval || (found != nullptr && found->ci95);
      entry.has_percentiles = entry.has_percentiles || (found != nullptr && found->percentiles);
    }
    columns.push_back(entry);
  }
  return columns;
}

void end_row(std::string& out) {
  out.pop_back();  // the last comma
  out += "\r\n";
}

std::string field(const Json& value) {
  return value.is_number() ? value.dump() : csv_text(display(value));
}

}  // namespace

std::string render_csv(const Comparison& comparison) {
  const auto columns = metric_columns(comparison);
  std::string out;
  const auto add = [&out](const std::string& cell) { out += cell + ","; };

  for (const auto& axis : comparison.axes) add(csv_text(titled(axis.name, axis.unit)));
  for (const auto& axis : comparison.fixed) add(csv_text(titled(axis.name, axis.unit)));
  add("outcome");
  add("reason");
  for (const auto& [metric, has_interval, has_percentiles] : columns) {
    add(csv_text(titled(metric->name, metric->unit)));
    std::vector<const char*> more;
    if (has_interval) more = {" ci95 low", " ci95 high"};
    if (has_percentiles) more.insert(more.end(), {" p50", " p95", " p99", " max"});
    for (const char* what : more) add(csv_text(titled(metric->name + what, metric->unit)));
  }
  end_row(out);

  for (const auto& point : comparison.points) {
    for (std::size_t axis = 0; axis < comparison.axes.size(); ++axis) {
      const std::size_t value = point.values[axis];
      add(value == kNone ? "" : field(comparison.axes[axis].values[value]));
    }
    for (const auto& axis : comparison.fixed) add(field(axis.value));
    add(std::string(name(point.result.outcome)));
    add(csv_text(point.result.reason));
    for (const auto& [metric, has_interval, has_percentiles] : columns) {
      const auto* found = point.result.find(metric->name);
      add(found == nullptr ? "" : shortest(found->value));
      if (has_interval) {
        const bool has = found != nullptr && found->ci95;
        add(has ? shortest(found->ci95->low) : "");
        add(has ? shortest(found->ci95->high) : "");
      }
      if (!has_percentiles) continue;
      const bool has = found != nullptr && found->percentiles;
      for (const double value : values_of(has ? *found->percentiles : Percentiles{}))
        add(has ? shortest(value) : "");
    }
    end_row(out);
  }
  return out;
}

}  // namespace hotexpert
