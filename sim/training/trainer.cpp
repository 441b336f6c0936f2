#include "sim/training/trainer.hpp"

#include <fmt/format.h>

#include "sim/base/json.hpp"
#include "sim/training/divergence.hpp"
#include "sim/training/flush_subnormals.hpp"

namespace hotexpert::training {
namespace {

constexpr double kDivergedFactor = 1000;

}  // namespace

Trainer::Trainer(const TrainConfig& config) : model_(config), optimizer_(config.optimizer) {}

bool Trainer::advance() {
  if (failure_ || record_.size() == config().steps) return false;
  const FlushSubnormals flush;
  const std::int64_t step = record_.size();
  try {
    train_step(step);
  } catch (const Divergence& divergence) {
    failure_ = TrainingFailure{step, divergence.what()};
    return false;
  }
  return true;
}

void Trainer::train_step(std::int64_t step) {
  const auto losses = model_.train_pass(static_cast<std::uint32_t>(step));
  const double first = record_.steps.empty() ? losses.task : record_.steps.front().task_loss;
  if (losses.task > kDivergedFactor * first) {
    throw Divergence(fmt::format("the task loss, {}, exceeds 1000 times that of the first step, {}",
                                 shortest(losses.task), shortest(first)));
  }
  record_step(model_, step, losses, record_);
  optimizer_.step(model_.blocks());
  model_.update_rule();
}

const std::vector<Decimal>& default_capacity_factors() {
  static const std::vector<Decimal> factors = {Decimal(1, 0), Decimal(125, 2), Decimal(15, 1),
                                               Decimal(2, 0)};
  return factors;
}

TrainingRun train(const TrainConfig& config, const std::vector<Decimal>& capacity_factors,
                  const std::function<void(const StepMeasures&)>& progress) {
  Trainer trainer(config);
  while (trainer.advance()) {
    if (progress) progress(trainer.record().steps.back());
  }
  return finish(trainer, capacity_factors);
}

TrainingRun finish(Trainer& trainer, const std::vector<Decimal>& capacity_factors) {
  TrainingRun run;
  run.config = trainer.config();
  run.method = describe(parse_methods(run.config.method));
  run.record = trainer.record();
  run.failure = trainer.failure();
  if (run.failure) return run;
  run.summary = summarize(run.record);
  try {
    const FlushSubnormals flush;
    run.evaluation = evaluate(trainer.model(), capacity_factors);
  } catch (const Divergence& divergence) {
    run.failure = TrainingFailure{run.config.steps, divergence.what()};
    run.summary.reset();
  }
  return run;
}

}  // namespace hotexpert::training
