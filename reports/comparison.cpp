#include "reports/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <utility>

#include "sim/base/errors.hpp"

namespace hotexpert {
namespace {

bool all_different(const std::vector<std::string>& names) {
  return std::set<std::string>(names.begin(), names.end()).size() == names.size();
}

/// The runs' titles if they differ, else their folders' names, else their folders' paths, numbered
/// if one run is given twice.
std::vector<std::string> unique_names(const std::vector<Run>& runs) {
  std::vector<std::string> titles;
  std::vector<std::string> folders;
  std::vector<std::string> paths;
  for (const auto& run : runs) {
    titles.push_back(run.manifest.at("title").as_string());
    folders.push_back(std::filesystem::path(run.dir).filename().string());
    paths.push_back(run.dir);
  }
  for (const auto& names : {titles, folders, paths}) {
    if (all_different(names)) return names;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) paths[i] += fmt::format(" ({})", i + 1);
  return paths;
}

/// Numbers ascending, "none" after them. Words keep their order, unless they differ in a trailing
/// number only ("max_over_mean=4").
bool comes_before(const Json& a, const Json& b) {
  const auto rank = [](const Json& value) {
    if (value.is_number()) return std::pair{0, value.as_double()};
    return std::pair{value == Json("none") ? 1 : 2, 0.0};
  };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (!a.is_string() || !b.is_string()) return false;
  const auto split = [](const std::string& text) { return text.find('=') + 1; };
  const std::string& x = a.as_string();
  const std::string& y = b.as_string();
  const std::size_t prefix = split(x);
  if (prefix == 0 || prefix != split(y) || x.compare(0, prefix, y, 0, prefix) != 0) return false;
  return std::strtod(x.c_str() + prefix, nullptr) < std::strtod(y.c_str() + prefix, nullptr);
}

/// Every axis of the runs in the order they name them, with the values its points have.
class AxisCollector {
 public:
  void declare(const Json& manifest) {
    for (const auto& axis : manifest.at("axes").as_array()) {
      auto& found = at(axis.at("name").as_string());
      found.label = axis.at("label").as_string();
      found.unit = axis.at("unit").as_string();
    }
  }

  void add(ComparedPoint& point) {
    for (const auto& [axis, value] : point.result.point) note(point, axis, value);
  }

  void note(ComparedPoint& point, const std::string& name, const Json& value) {
    at(name);
    const std::size_t axis = positions_.at(name);
    auto [where, is_new] = indices_[axis].emplace(value.dump(), axes_[axis].values.size());
    if (is_new) axes_[axis].values.push_back(value);
    point.values.resize(std::max(point.values.size(), axis + 1), kNone);
    point.values[axis] = where->second;
  }

  /// Moves what was collected into `out`. An axis is fixed when every point of the runs that have
  /// it has one value: a sweep beside a router lab does not make the axes of either vary.
  void finish(Comparison& out) {
    std::vector<std::size_t> kept(axes_.size(), kNone);
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      auto& axis = axes_[i];
      std::vector<std::array<bool, 2>> seen(out.runs.size());  // a run's points without it, with it
      for (const auto& point : out.points)
        seen[point.run][i < point.values.size() && point.values[i] != kNone ? 1 : 0] = true;
      const bool mixed =
          std::any_of(seen.begin(), seen.end(), [](const auto& run) { return run[0] && run[1]; });
      if (axis.values.size() > 1 || (axis.values.size() == 1 && mixed)) {
        kept[i] = out.axes.size();
        out.axes.push_back(axis);
      } else if (axis.values.size() == 1) {
        out.fixed.push_back({axis.name, axis.label, axis.unit, axis.values[0]});
      }
    }
    std::vector<std::vector<std::size_t>> new_index;
    for (auto& axis : out.axes) new_index.push_back(sort_values(axis.values));
    for (auto& point : out.points) {
      std::vector<std::size_t> values(out.axes.size(), kNone);
      for (std::size_t i = 0; i < point.values.size(); ++i) {
        if (kept[i] != kNone && point.values[i] != kNone)
          values[kept[i]] = new_index[kept[i]][point.values[i]];
      }
      point.values = std::move(values);
    }
  }

  [[nodiscard]] ComparedAxis described(const std::string& name) const {
    const auto found = positions_.find(name);
    return found == positions_.end() ? ComparedAxis{name, name, "", {}} : axes_[found->second];
  }

 private:
  ComparedAxis& at(const std::string& name) {
    const auto [where, is_new] = positions_.emplace(name, axes_.size());
    if (is_new) {
      axes_.push_back({name, name, "", {}});
      indices_.emplace_back();
    }
    return axes_[where->second];
  }

  /// Sorts and returns, for each old index, the new one.
  static std::vector<std::size_t> sort_values(std::vector<Json>& values) {
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return comes_before(values[a], values[b]);
    });
    std::vector<Json> sorted;
    std::vector<std::size_t> new_index(values.size());
    for (const std::size_t old : order) {
      new_index[old] = sorted.size();
      sorted.push_back(std::move(values[old]));
    }
    values = std::move(sorted);
    return new_index;
  }

  std::vector<ComparedAxis> axes_;
  std::unordered_map<std::string, std::size_t> positions_;
  std::vector<std::unordered_map<std::string, std::size_t>> indices_;  // by value text, per axis
};

/// Scenario entries with one value that no point repeats, equal in all runs.
void add_scenario_constants(const AxisCollector& collector, Comparison& out) {
  for (const auto& entry : out.runs.front().manifest.at("scenario").as_object()) {
    const auto& key = entry.first;  // named: clang 14 does not capture structured bindings
    const auto& values = entry.second;
    const bool known =
        out.axis(key) != kNone || std::any_of(out.fixed.begin(), out.fixed.end(),
                                              [&](const auto& axis) { return axis.name == key; });
    if (known || values.as_array().size() != 1) continue;
    const bool everywhere = std::all_of(out.runs.begin(), out.runs.end(), [&](const auto& run) {
      const Json* other = run.manifest.at("scenario").find(key);
      return other != nullptr && other->dump() == values.dump();
    });
    const auto axis = collector.described(key);
    if (everywhere) out.fixed.push_back({key, axis.label, axis.unit, values.as_array()[0]});
  }
}

void collect_metrics(Comparison& out) {
  std::set<std::string> present;
  for (const auto& point : out.points) {
    for (const auto& measurement : point.result.measurements) present.insert(measurement.metric);
  }
  for (const auto& row : metric_catalogue()) {
    if (present.erase(std::string(row.name)) == 0) continue;
    out.metrics.push_back({std::string(row.name), std::string(row.unit), row.better,
                           std::string(row.label), std::string(row.definition)});
  }
  for (const auto& name : present) {
    const auto* row = find_metric(name);
    if (row == nullptr) {
      out.metrics.push_back({name, "", Better::kNeither, name, ""});
    } else {
      out.metrics.push_back({name, std::string(row->unit), row->better,
                             fmt::format("{} ({})", row->label, name.substr(row->name.size() + 1)),
                             std::string(row->definition)});
    }
  }
}

void note_changed_sittings(const ComparedRun& run, Comparison& out) {
  const Json* sittings = run.manifest.find("resumed");
  if (sittings == nullptr) return;
  for (const auto& sitting : sittings->as_array()) {
    for (const char* key : {"environment", "program"}) {
      const Json* now = sitting.find(key);
      if (now == nullptr || *now == run.manifest.at(key)) continue;
      out.warnings.push_back(
          fmt::format("{}: the run was resumed with another {}; times before and after may not "
                      "compare.",
                      run.name, key));
    }
  }
}

}  // namespace

std::size_t Comparison::axis(std::string_view name) const {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].name == name) return i;
  }
  return kNone;
}

const Json* Comparison::value(const ComparedPoint& point, std::string_view name) const {
  const std::size_t position = axis(name);
  if (position == kNone || point.values[position] == kNone) return nullptr;
  return &axes[position].values[point.values[position]];
}

const ComparedMetric* Comparison::metric(std::string_view name) const {
  for (const auto& candidate : metrics) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

Comparison make_comparison(std::vector<Run> runs) {
  if (runs.empty()) throw UsageError("a report needs at least one run folder");
  Comparison out;
  AxisCollector collector;
  const auto names = unique_names(runs);
  Json run_axis = Json::parse(R"({"axes":[{"name":"run","label":"run","unit":""}]})", "");
  if (runs.size() > 1) collector.declare(run_axis);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Run& run = runs[i];
    collector.declare(run.manifest);
    for (auto& result : run.points) {
      ComparedPoint point{i, {}, std::move(result)};
      if (runs.size() > 1) collector.note(point, std::string(kRunAxis), Json(names[i]));
      collector.add(point);
      out.points.push_back(std::move(point));
    }
    out.warnings.insert(out.warnings.end(), run.warnings.begin(), run.warnings.end());
    out.runs.push_back({names[i], run.dir, std::move(run.manifest)});
  }
  collector.finish(out);
  add_scenario_constants(collector, out);
  collect_metrics(out);
  for (const auto& run : out.runs) note_changed_sittings(run, out);
  return out;
}

std::string display(const Json& value) {
  return value.is_string() ? value.as_string() : value.dump();
}

std::string title_of(const Comparison& comparison) {
  const auto& runs = comparison.runs;
  // A sweep and the router lab of one scenario: the others' names go on after the first's.
  const bool one_scenario = std::all_of(runs.begin(), runs.end(), [&](const ComparedRun& run) {
    return run.name == runs[0].name || run.name.rfind(runs[0].name + ", ", 0) == 0;
  });
  if (one_scenario) return runs[0].name;
  if (runs.size() == 2) return fmt::format("{} and {}", runs[0].name, runs[1].name);
  return fmt::format("{} and {} more", runs[0].name, runs.size() - 1);
}

}  // namespace hotexpert
