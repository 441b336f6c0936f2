#include "sim/training/training_record.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/metrics/load_metrics.hpp"
#include "sim/training/divergence.hpp"
#include "sim/training/products.hpp"

namespace hotexpert::training {
namespace {

constexpr double kHackedBelow = 0.99;   // of the balanced value
constexpr double kSkewedMaxVio = 0.25;  // beyond what sampling does to a balanced router here

double mean_router_entropy(const RouterState<float>& state) {
  double total = 0;
  for (std::int64_t t = 0; t < state.tokens; ++t) {
    const float* score = state.scores.row(t);
    const double sum = std::accumulate(score, score + state.num_experts, 0.0);
    for (int i = 0; i < state.num_experts; ++i) {
      const double p = static_cast<double>(score[i]) / sum;
      if (p > 0) total -= p * std::log(p);
    }
  }
  return total / static_cast<double>(state.tokens);
}

double population_cv(std::span<const double> values) {
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return mean > 0 ? std::sqrt(squares / count) / mean : 0;
}

std::vector<double> expert_gradient_norms(LabModel<float>& model) {
  std::vector<double> norms;
  for (int i = 0; i < model.experts().num_experts(); ++i) {
    const auto& gradient = model.experts().parameters(i).gradient;
    norms.push_back(std::sqrt(products<float>().squared_norm(
        static_cast<std::int64_t>(gradient.size()), gradient.data())));
    if (!std::isfinite(norms.back())) throw Divergence("an expert's gradient is not finite");
  }
  return norms;
}

/// Mean task loss of the tokens that chose `expert`, and of the others.
void set_hottest_losses(const LabModel<float>& model, int expert, StepMeasures& measures) {
  const auto& selection = model.router_state().selection;
  double own = 0;
  double all = 0;
  std::int64_t own_tokens = 0;
  const auto tokens = static_cast<std::int64_t>(model.token_loss().size());
  for (std::int64_t t = 0; t < tokens; ++t) {
    const auto* ids = selection.ids.data() + t * selection.slots;
    const double loss = model.token_loss()[static_cast<std::size_t>(t)];
    all += loss;
    if (std::find(ids, ids + selection.slots, expert) == ids + selection.slots) continue;
    own += loss;
    ++own_tokens;
  }
  if (own_tokens > 0) measures.hottest_loss = own / static_cast<double>(own_tokens);
  if (own_tokens < tokens) {
    measures.other_loss = (all - own) / static_cast<double>(tokens - own_tokens);
  }
}

void set_load_measures(const Dispatch& dispatch, StepMeasures& measures) {
  const auto& load = dispatch.load;
  const auto experts = static_cast<double>(load.size());
  measures.max_over_mean = max_over_mean(load);
  measures.load_cv = load_cv(load);
  measures.effective_experts = effective_experts(load);
  measures.idle_experts = experts - static_cast<double>(active_experts(load));
  measures.hottest_expert =
      static_cast<std::int32_t>(std::max_element(load.begin(), load.end()) - load.begin());
  measures.hottest_share = measures.max_over_mean / experts;
  const auto total = std::accumulate(load.begin(), load.end(), std::int64_t{0});
  measures.drop_fraction =
      total > 0 ? static_cast<double>(dispatch.dropped) / static_cast<double>(total) : 0;
}

bool loss_hacked(const LabModel<float>& model, const PassLosses& losses, double max_over_mean) {
  if (max_over_mean - 1 <= kSkewedMaxVio) return false;
  for (std::size_t i = 0; i < losses.balance_term.size(); ++i) {
    const double balanced = model.methods().losses[i]->balanced_value();
    if (balanced > 0 && losses.balance_term[i] < kHackedBelow * balanced) return true;
  }
  return false;
}

}  // namespace

LoadMatrix TrainingRecord::load_matrix() const {
  LoadMatrix matrix(size(), 1, num_experts);
  matrix.load = load;
  return matrix;
}

void record_step(LabModel<float>& model, std::int64_t step, const PassLosses& losses,
                 TrainingRecord& record) {
  if (!std::isfinite(losses.task)) throw Divergence("the task loss is not finite");
  if (!std::isfinite(losses.balance)) throw Divergence("a balancing loss is not finite");
  const auto& router_norms = model.router_gradient_norms();
  if (!std::isfinite(router_norms.task + router_norms.balance)) {
    throw Divergence("the router's gradient is not finite");
  }
  StepMeasures measures;
  measures.step = step;
  measures.task_loss = losses.task;
  measures.balance_loss = losses.balance;
  set_load_measures(model.dispatch(), measures);
  measures.router_entropy = mean_router_entropy(model.router_state());
  const auto norms = expert_gradient_norms(model);
  const double norm_sum = std::accumulate(norms.begin(), norms.end(), 0.0);
  measures.gradient_norm_cv = population_cv(norms);
  if (norm_sum > 0) {
    measures.hottest_gradient_share =
        norms[static_cast<std::size_t>(measures.hottest_expert)] / norm_sum;
  }
  if (router_norms.task > 0) {
    measures.balance_to_task_gradient = router_norms.balance / router_norms.task;
  }
  set_hottest_losses(model, measures.hottest_expert, measures);
  measures.loss_hacked = loss_hacked(model, losses, measures.max_over_mean) ? 1 : 0;

  const auto& dispatch = model.dispatch();
  record.num_experts = model.experts().num_experts();
  record.kept_load.resize(dispatch.load.size());
  for (std::size_t i = 0; i < dispatch.load.size(); ++i) {
    record.kept_load[i] += dispatch.offsets[i + 1] - dispatch.offsets[i];
  }
  record.steps.push_back(measures);
  record.load.insert(record.load.end(), dispatch.load.begin(), dispatch.load.end());
  for (const double norm : norms) record.gradient_norm.push_back(static_cast<float>(norm));
  const auto memory = model.rule_memory();
  record.rule_memory.insert(record.rule_memory.end(), memory.begin(), memory.end());
}

}  // namespace hotexpert::training
