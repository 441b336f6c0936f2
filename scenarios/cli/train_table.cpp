#include "scenarios/cli/train_table.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>

#include "reports/run_store.hpp"
#include "scenarios/runner/train_spec.hpp"
#include "sim/base/errors.hpp"
#include "sim/base/mean_interval.hpp"
#include "sim/training/method_set.hpp"

namespace hotexpert {
namespace {

struct Column {
  std::string_view metric;
  bool interval = false;  ///< followed by its ± over seeds
};
constexpr std::array kColumns = {
    Column{"load.max_over_mean", true},      Column{"train.max_vio"},
    Column{"train.task_loss", true},         Column{"load.dead_experts"},
    Column{"train.specialization_share"},    Column{"train.grad_norm_ratio"},
    Column{"drop.assignment_fraction@1.25"},
};

/// Points that differ in their seed only.
struct SeedGroup {
  Point point;  ///< without the seed
  std::vector<const PointResult*> ok;
  std::int64_t failed = 0;
};

std::vector<SeedGroup> seed_groups(const std::vector<PointResult>& results) {
  std::vector<SeedGroup> groups;
  std::map<std::string, std::size_t> position;
  for (const auto& result : results) {
    Point point = result.point;
    std::erase_if(point, [](const auto& axis) { return axis.first == "seed"; });
    const auto [where, is_new] = position.emplace(point_key(point), groups.size());
    if (is_new) groups.push_back({std::move(point), {}, 0});
    auto& group = groups[where->second];
    if (result.outcome == Outcome::kOk) {
      group.ok.push_back(&result);
    } else {
      ++group.failed;
    }
  }
  return groups;
}

std::vector<double> values_of(const SeedGroup& group, std::string_view metric) {
  std::vector<double> values;
  for (const auto* result : group.ok) {
    if (const auto* found = result->find(metric)) values.push_back(found->value);
  }
  return values;
}

std::vector<Column> columns_of(const std::vector<PointResult>& results,
                               std::vector<std::string>& owned) {
  std::vector<Column> columns(kColumns.begin(), kColumns.end());
  for (const auto& result : results) {
    for (const auto& measurement : result.measurements) {
      if (measurement.metric.rfind("layer.total_s@", 0) == 0) owned.push_back(measurement.metric);
    }
    if (!owned.empty()) break;
  }
  for (const auto& metric : owned) columns.push_back({metric});
  return columns;
}

}  // namespace

CommandTable train_table(const Scenario& scenario, const std::vector<PointResult>& results) {
  CommandTable table;
  for (const auto& axis : axes()) {
    const bool always = axis.name == "train.method" || axis.name == "train.weight";
    const bool lab = axis.scope == AxisScope::kTraining;
    if (lab && (always || scenario.values(axis).size() > 1)) table.columns.emplace_back(axis.name);
  }
  table.columns.emplace_back("seeds");
  std::vector<std::string> owned;
  const auto columns = columns_of(results, owned);
  for (const auto& column : columns) {
    table.columns.emplace_back(column.metric);
    if (column.interval) table.columns.push_back(fmt::format("± {}", column.metric));
  }
  table.columns.emplace_back("failed");
  for (const auto& group : seed_groups(results)) {
    Json row = Json(Json::Object(group.point.begin(), group.point.end()));
    row.set("seeds", static_cast<std::int64_t>(group.ok.size())).set("failed", group.failed);
    for (const auto& column : columns) {
      const auto values = values_of(group, column.metric);
      if (values.empty()) continue;
      row.set(std::string(column.metric), mean(values));
      if (!column.interval || values.size() < kFewestShownWithInterval) continue;
      if (const auto interval = mean_interval(values)) {
        row.set(fmt::format("± {}", column.metric), (interval->high - interval->low) / 2);
      }
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

CommandTable translation_table(const Scenario& scenario) {
  CommandTable table;
  table.columns = {"method", "weight", "convention", "in", "is", "remark"};
  const int top_k = make_train_spec(scenario.expand(kTrainScopes).front()).config.top_k;
  for (const auto& choice : scenario.expand(kTrainScopes)) {
    const TrainSpec spec = make_train_spec(choice);
    const auto first = training::parse_methods(spec.config.method).front();
    if (first.row->coefficient.empty()) {
      throw UsageError(
          fmt::format("train.method '{}' has no weight to translate", first.row->name));
    }
    const double weight = first.choice.get(first.row->coefficient);
    for (const auto& row : training::balancing_methods()) {
      if (row.coefficient.empty()) continue;
      const auto translated = training::translate_weight(first.row->name, row.name, weight, top_k);
      table.rows.push_back(Json::object()
                               .set("method", first.row->name)
                               .set("weight", weight)
                               .set("convention", first.row->convention)
                               .set("in", row.name)
                               .set("is", translated.weight ? Json(*translated.weight) : Json())
                               .set("remark", translated.remark));
    }
  }
  return table;
}

}  // namespace hotexpert
