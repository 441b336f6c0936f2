#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "reports/number_format.hpp"
#include "reports/sections/lab_groups.hpp"
#include "reports/sections/sections.hpp"

namespace hotexpert {
namespace {

constexpr std::string_view kLoss = "train.task_loss";
constexpr std::string_view kStep = "curve.step";
constexpr std::string_view kShare = "curve.hottest_share";
constexpr double kQualityMargin = 1.02;  ///< "as good as": at most 2 % above the best training loss

std::vector<SeriesRequest> requests(std::initializer_list<std::string_view> names) {
  std::vector<SeriesRequest> out;
  for (const auto name : names) out.push_back({.metric = name});
  return out;
}

ViewSpec curve_view() {
  ViewSpec spec = lab_view({});
  spec.series = {kStep};
  return spec;
}

Table training_table(const Comparison& comparison, const View& view) {
  return lab_table(
      comparison, view, "The end of training of each method and weight",
      {"train.end_loss", "train.max_vio", "train.reach_step", "train.settle_step",
       "train.overshoot", "train.load_cycle", "train.bias_cycle", "train.drop_fraction"});
}

/// Of bias updates: what a larger step buys and costs.
void say_cycle(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const LabGroup* first = nullptr;
  const LabGroup* last = nullptr;
  const auto groups = lab_groups(comparison, view);
  for (const auto& group : groups) {
    if (group.method != "bias" || !seed_mean(comparison, group, "train.bias_cycle")) continue;
    if (first == nullptr) first = &group;
    last = &group;
  }
  if (first == last) return;
  const auto small = *seed_mean(comparison, *first, "train.bias_cycle");
  const auto large = *seed_mean(comparison, *last, "train.bias_cycle");
  if (!small.ci95 || !large.ci95 || !(large.ci95->low > small.ci95->high)) return;
  const auto slow = seed_mean(comparison, *first, "train.reach_step");
  const auto fast = seed_mean(comparison, *last, "train.reach_step");
  const bool sooner =
      slow && fast && slow->ci95 && fast->ci95 && slow->ci95->low > fast->ci95->high;
  const std::string speed = sooner ? fmt::format("; balance is reached at step {} against {}",
                                                 significant(fast->value), significant(slow->value))
                                   : "";
  out.push_back({"training-curves", times(large.value / small.value),
                 fmt::format("With {} a step of {} keeps the biases oscillating by {}, {} as much "
                             "as a step of {}{}.",
                             code_name("bias"), shortest(*last->weight), significant(large.value),
                             times(large.value / small.value), shortest(*first->weight), speed)});
}

Table collapse_table(const Comparison& comparison, const View& view) {
  return lab_table(comparison, view, "The hottest expert at the end, with and without each cure",
                   {"train.hottest_share", "train.hottest_gradient_share", "load.max_over_mean",
                    "load.effective_experts", "load.dead_experts", "train.starved_share",
                    "train.starved_grad_norm", "train.overloaded_grad_norm",
                    "train.starved_grad_cv", "train.overloaded_grad_cv"});
}

ViewSpec collapse_view() {
  ViewSpec spec = curve_view();
  spec.series.push_back(kShare);
  return spec;
}

/// How far the unbalanced router went from where it began.
void say_collapse(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  for (const auto& group : lab_groups(comparison, view)) {
    if (group.method != "none") continue;
    std::vector<double> first;
    std::vector<double> last;
    for (const std::size_t point : group.points) {
      const auto share = read_series(comparison, point, kShare);
      if (!share || share->values.empty()) continue;
      first.push_back(share->values.front());
      last.push_back(*std::max_element(share->values.begin(), share->values.end()));
    }
    if (first.empty() || mean(last) < 1.2 * mean(first)) return;
    out.push_back({"collapse", percent(mean(last)),
                   fmt::format("Without balancing the hottest expert's share of the tokens grows "
                               "from {} in the first steps to {} at its height: imbalance arises "
                               "by itself.",
                               percent(mean(first)), percent(mean(last)))});
    return;
  }
}

/// The kernel on which the methods' whole trainings differ most: where imbalance costs most.
std::string costliest_kernel(const Comparison& comparison, const std::vector<LabGroup>& groups) {
  std::string kernel;
  double widest = 0;
  for (const auto& metric : variants_of(comparison, "train.wall_s")) {
    double least = std::numeric_limits<double>::infinity();
    double most = 0;
    for (const auto& group : groups) {
      const auto time = seed_mean(comparison, group, metric);
      if (!time) continue;
      least = std::min(least, time->value);
      most = std::max(most, time->value);
    }
    if (most > widest * least) {
      widest = most / least;
      kernel = metric.substr(metric.find('@') + 1);
    }
  }
  return kernel;
}

bool has_wall_time(const PointResult& result) {
  return std::any_of(result.measurements.begin(), result.measurements.end(),
                     [](const auto& m) { return m.metric.rfind("train.wall_s@", 0) == 0; });
}

ViewSpec quality_view() {
  ViewSpec spec = curve_view();
  spec.also = has_wall_time;
  return spec;
}

/// Wall-clock at which the run's training loss first is at most `target`; infinity if never.
double time_to(const Comparison& comparison, std::size_t point, const std::string& kernel,
               double target) {
  const auto loss = read_series(comparison, point, "curve.task_loss");
  const auto wall = read_series(comparison, point, "curve.wall_s");
  // Its rows are the point's kernels by name, as train.wall_s@KERNEL names them.
  std::size_t row = 0;
  bool timed = false;
  for (const auto& m : comparison.points[point].result.measurements) {
    if (m.metric.rfind("train.wall_s@", 0) != 0) continue;
    const auto name = m.metric.substr(m.metric.find('@') + 1);
    timed = timed || name == kernel;
    row += name < kernel ? 1U : 0U;
  }
  if (!loss || !wall || !timed) return std::numeric_limits<double>::infinity();
  const std::size_t steps = loss->values.size();
  for (std::size_t i = 0; i < steps && row * steps + i < wall->values.size(); ++i) {
    if (loss->values[i] <= target) return wall->values[row * steps + i];
  }
  return std::numeric_limits<double>::infinity();
}

struct Quality {
  double target = 0;
  std::vector<LabGroup> groups;
};

Quality quality_of(const Comparison& comparison, const View& view) {
  Quality quality{std::numeric_limits<double>::infinity(), lab_groups(comparison, view)};
  for (const auto& group : quality.groups) {
    const auto loss = seed_mean(comparison, group, "train.end_loss");
    if (loss) quality.target = std::min(quality.target, kQualityMargin * loss->value);
  }
  return quality;
}

/// Mean over seeds; nullopt where a seed never gets there.
std::optional<double> group_time(const Comparison& comparison, const LabGroup& group,
                                 const std::string& kernel, double target) {
  std::vector<double> times;
  for (const std::size_t point : group.points) {
    times.push_back(time_to(comparison, point, kernel, target));
    if (!std::isfinite(times.back())) return std::nullopt;
  }
  return mean(times);
}

Table quality_table(const Comparison& comparison, const View& view) {
  const auto quality = quality_of(comparison, view);
  Table table{fmt::format("Layer time until the training loss is {} (2 % above the best)",
                          significant(quality.target, 4)),
              {{"method"}, {"weight", true}, {"seeds", true}},
              {},
              0};
  for (const auto& group : quality.groups) {
    table.rows.push_back({kNone,
                          {group.method, group.weight ? shortest(*group.weight) : "",
                           std::to_string(group.points.size())}});
  }
  for (const auto& metric : variants_of(comparison, "train.wall_s")) {
    const std::string kernel = metric.substr(metric.find('@') + 1);
    table.columns.push_back({kernel + ": time to that loss, s", true});
    table.columns.push_back({kernel + ": time of all steps, s", true});
    for (std::size_t i = 0; i < quality.groups.size(); ++i) {
      const auto time = group_time(comparison, quality.groups[i], kernel, quality.target);
      const auto all = seed_mean(comparison, quality.groups[i], metric);
      table.rows[i].cells.push_back(time ? significant(*time, 4) : "not reached");
      table.rows[i].cells.push_back(all ? significant(all->value, 4) : "");
    }
  }
  return table;
}

void say_quality(const Comparison& comparison, const View& view, std::vector<Finding>& out) {
  const auto quality = quality_of(comparison, view);
  const std::string kernel = costliest_kernel(comparison, quality.groups);
  const LabGroup* best = nullptr;
  std::optional<double> least;
  std::optional<double> unbalanced;
  bool has_none = false;
  for (const auto& group : quality.groups) {
    const auto time = group_time(comparison, group, kernel, quality.target);
    if (group.method == "none") {
      has_none = true;
      unbalanced = time;
    }
    if (time && (!least || *time < *least)) {
      least = time;
      best = &group;
    }
  }
  if (best == nullptr || best->method == "none" || !has_none) return;
  const std::string against = unbalanced
                                  ? fmt::format("{} without balancing", with_unit(*unbalanced, "s"))
                                  : std::string("never without balancing");
  out.push_back(
      {"time-to-quality", with_unit(*least, "s"),
       fmt::format("Where each step costs what its imbalance makes it cost on the kernel {}, {} is "
                   "first to a training loss of {}: after {} of layer time, {}.",
                   code_name(kernel), code_name(best->name()), significant(quality.target),
                   with_unit(*least, "s"), against)});
}

}  // namespace

const ReportSection kTrainingCurves = {
    .id = "training-curves",
    .group = SectionGroup::kBalance,
    .title = "Training: task loss and load over the steps",
    .how_to_read =
        "A line a method, at the weight of its lowest task loss (the filter shows another), mean "
        "over seeds; the band is the range over seeds. Each value is the mean over a hundredth of "
        "the steps.",
    .view = curve_view,
    .table = training_table,
    .findings = say_cycle,
    .series =
        [] {
          return requests({kStep, "curve.task_loss", "curve.max_over_mean"});
        },
};

const ReportSection kCollapse = {
    .id = "collapse",
    .group = SectionGroup::kBalance,
    .title = "How imbalance arises: tokens, gradient and loss of the hottest expert",
    .how_to_read =
        "More tokens bring more gradient, more gradient a better expert, a better expert more "
        "tokens. Without a cure the share of the hottest expert grows from chance; the dashed line "
        "is an equal share. Filters choose initialisation, data skew and noise.",
    .view = collapse_view,
    .table = collapse_table,
    .findings = say_collapse,
    .series =
        [] {
          return requests({kShare, "curve.hottest_gradient_share", "curve.hottest_loss",
                           "curve.other_loss", "curve.idle_experts"});
        },
};

const ReportSection kTimeToQuality = {
    .id = "time-to-quality",
    .group = SectionGroup::kBalance,
    .title = "Time to quality: task loss against layer time",
    .how_to_read =
        "Training loss over the summed forward time of the layer: every step costs the time at its "
        "own max/mean load, linear between four loads of the run that were timed (dashed: derived "
        "from measured times, not measured step by step). A panel a kernel.",
    .view = quality_view,
    .table = quality_table,
    .findings = say_quality,
    .series =
        [] {
          return requests({"curve.task_loss", "curve.wall_s"});
        },
};

}  // namespace hotexpert
