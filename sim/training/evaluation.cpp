#include "sim/training/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/metrics/drop_spectrum.hpp"
#include "sim/metrics/load_metrics.hpp"
#include "sim/routing/capacity_rule.hpp"

namespace hotexpert::training {
namespace {

constexpr std::int64_t kComparedTokens = 256;

void count_classes(const RouterState<float>& state, const std::vector<std::int32_t>& token_class,
                   Evaluation& evaluation) {
  const int slots = state.selection.slots;
  for (std::size_t entry = 0; entry < state.selection.ids.size(); ++entry) {
    const auto expert = state.selection.ids[entry];
    if (expert < 0) continue;
    const auto own_class = token_class[entry / static_cast<std::size_t>(slots)];
    ++evaluation
          .class_counts[static_cast<std::size_t>(expert * evaluation.num_classes + own_class)];
  }
}

void add_drops(const RouterState<float>& state, const std::vector<std::int64_t>& load,
               double batch_weight, std::vector<DropShare>& drops) {
  const CapacityRule rule("megatron");
  DropSpectrum spectrum;
  spectrum.assign(load);
  for (auto& drop : drops) {
    const auto capacity = capacity_of(rule, {state.tokens, state.num_experts, state.top_k, 1},
                                      drop.factor, spectrum.largest_load());
    drop.fraction += batch_weight * spectrum.fraction(*capacity);
  }
}

double cosine(const float* a, const float* b, std::int64_t n) {
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    product += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    a_squares += static_cast<double>(a[j]) * static_cast<double>(a[j]);
    b_squares += static_cast<double>(b[j]) * static_cast<double>(b[j]);
  }
  const double scale = std::sqrt(a_squares * b_squares);
  return scale > 0 ? product / scale : 0;
}

double mean_output_similarity(LabModel<float>& model) {
  const auto& hidden = model.hidden();
  auto& experts = model.experts();
  const std::int64_t tokens = std::min(kComparedTokens, hidden.rows);
  if (experts.num_experts() < 2) return 0;
  std::vector<Matrix<float>> output;
  for (int i = 0; i < experts.num_experts(); ++i) {
    output.emplace_back(tokens, hidden.cols);
    experts.apply(i, tokens, hidden.data(), output.back().data());
  }
  double total = 0;
  std::int64_t pairs = 0;
  for (std::size_t a = 0; a < output.size(); ++a) {
    for (std::size_t b = a + 1; b < output.size(); ++b, ++pairs) {
      for (std::int64_t t = 0; t < tokens; ++t) {
        total += cosine(output[a].row(t), output[b].row(t), hidden.cols);
      }
    }
  }
  return total / static_cast<double>(pairs * tokens);
}

double entropy_of(const std::vector<double>& counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  double entropy = 0;
  for (const double count : counts) {
    if (count > 0) entropy -= count / total * std::log(count / total);
  }
  return entropy;
}

void set_specialization(Evaluation& evaluation) {
  const auto classes = static_cast<std::size_t>(evaluation.num_classes);
  std::vector<double> class_totals(classes);
  for (std::size_t i = 0; i < evaluation.class_counts.size(); ++i) {
    class_totals[i % classes] += static_cast<double>(evaluation.class_counts[i]);
  }
  evaluation.class_entropy = entropy_of(class_totals);
  evaluation.specialization_mi =
      mutual_information(evaluation.class_counts, evaluation.num_classes);
}

void set_global_load(Evaluation& evaluation) {
  std::vector<std::int64_t> total(static_cast<std::size_t>(evaluation.load.experts));
  for (std::size_t i = 0; i < evaluation.load.load.size(); ++i) {
    total[i % total.size()] += evaluation.load.load[i];
  }
  evaluation.max_vio_global = max_vio(total);
}

}  // namespace

double mutual_information(const std::vector<std::int64_t>& counts, std::int64_t columns) {
  const auto width = static_cast<std::size_t>(columns);
  std::vector<double> row_total(counts.size() / width);
  std::vector<double> column_total(width);
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto count = static_cast<double>(counts[i]);
    row_total[i / width] += count;
    column_total[i % width] += count;
    total += count;
  }
  double information = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto count = static_cast<double>(counts[i]);
    information +=
        count / total * std::log(count * total / (row_total[i / width] * column_total[i % width]));
  }
  return std::max(information, 0.0);
}

Evaluation evaluate(LabModel<float>& model, const std::vector<Decimal>& factors) {
  const auto& config = model.config();
  const std::int64_t batches = config.evaluation_batches;
  const double batch_weight = 1.0 / static_cast<double>(batches);
  Evaluation evaluation;
  evaluation.num_classes = model.num_classes();
  evaluation.class_counts.resize(
      static_cast<std::size_t>(config.num_experts * evaluation.num_classes));
  evaluation.load = LoadMatrix(batches, 1, config.num_experts);
  evaluation.max_over_mean = 0;
  for (const auto& factor : factors) evaluation.drops.push_back({factor, 0});
  auto trace = std::make_shared<TrainedTrace>(
      fmt::format("trained router: {}, {}", config.task, config.method), config.num_experts,
      config.top_k);
  for (std::int64_t b = 0; b < batches; ++b) {
    const auto losses = model.evaluation_pass(static_cast<std::uint32_t>(b));
    const auto& state = model.router_state();
    const auto& load = model.dispatch().load;
    evaluation.task_loss += batch_weight * losses.task;
    evaluation.max_over_mean += batch_weight * max_over_mean(load);
    std::copy(load.begin(), load.end(), evaluation.load.at(b, 0).begin());
    add_drops(state, load, batch_weight, evaluation.drops);
    count_classes(state, model.batch().token_class, evaluation);
    trace->append(state);
  }
  set_global_load(evaluation);
  set_specialization(evaluation);
  evaluation.output_similarity = mean_output_similarity(model);
  evaluation.trace = std::move(trace);
  return evaluation;
}

}  // namespace hotexpert::training
