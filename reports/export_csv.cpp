#include <string>
#include <vector>

#include "reports/exporters.hpp"
#include "reports/text_escape.hpp"

namespace hotexpert {
namespace {

struct MetricColumns {
  const ComparedMetric* metric;
  bool has_interval;
};

std::string titled(const std::string& name, const std::string& unit) {
  return unit.empty() ? name : name + " [" + unit + "]";
}

std::vector<MetricColumns> metric_columns(const Comparison& comparison) {
  std::vector<MetricColumns> columns;
  for (const auto& metric : comparison.metrics) {
    bool has_interval = false;
    for (const auto& point : comparison.points) {
      const auto* found = point.result.find(metric.name);
      has_interval = has_interval || (found != nullptr && found->ci95);
    }
    columns.push_back({&metric, has_interval});
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
  for (const auto& [metric, has_interval] : columns) {
    add(csv_text(titled(metric->name, metric->unit)));
    if (!has_interval) continue;
    add(csv_text(titled(metric->name + " ci95 low", metric->unit)));
    add(csv_text(titled(metric->name + " ci95 high", metric->unit)));
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
    for (const auto& [metric, has_interval] : columns) {
      const auto* found = point.result.find(metric->name);
      add(found == nullptr ? "" : shortest(found->value));
      if (!has_interval) continue;
      const bool has = found != nullptr && found->ci95;
      add(has ? shortest(found->ci95->low) : "");
      add(has ? shortest(found->ci95->high) : "");
    }
    end_row(out);
  }
  return out;
}

}  // namespace hotexpert
