#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/training/evaluation.hpp"
#include "sim/training/lab_model.hpp"
#include "sim/training/optimizer.hpp"
#include "sim/training/training_record.hpp"
#include "sim/training/training_summary.hpp"

namespace hotexpert::training {

/// Why a run ended early.
struct TrainingFailure {
  std::int64_t step = 0;
  std::string cause;  ///< a clause: "the task loss is not finite"
};

/// One training run, step by step, on the calling thread. Runs share nothing: a sweep trains one
/// point a thread, and the bytes of a run do not depend on how many there are.
class Trainer {
 public:
  /// @throws UsageError or InputError for a bad configuration, method, task or corpus
  explicit Trainer(const TrainConfig& config);

  /// Trains one step. @return false when every step is done, or the run has failed.
  bool advance();

  [[nodiscard]] const TrainConfig& config() const { return model_.config(); }
  /// Steps so far; record().steps.back() is the live line.
  [[nodiscard]] const TrainingRecord& record() const { return record_; }
  /// Set once training left the finite numbers or diverged: the task loss exceeds 1,000 times that
  /// of the first step.
  [[nodiscard]] const std::optional<TrainingFailure>& failure() const { return failure_; }
  LabModel<float>& model() { return model_; }

  /// Everything needed to go on in another process of the same build on the same machine. A
  /// restored run ends in the same bytes as one that was never interrupted.
  [[nodiscard]] std::vector<std::byte> checkpoint();
  /// @throws InputError if the bytes are damaged or belong to another configuration
  void restore(std::span<const std::byte> bytes);

 private:
  void train_step(std::int64_t step);

  LabModel<float> model_;
  Optimizer<float> optimizer_;
  TrainingRecord record_;
  std::optional<TrainingFailure> failure_;
};

/// A finished run. Without failure, summary and evaluation are set.
struct TrainingRun {
  TrainConfig config;
  std::string method;  ///< each coefficient with its convention, see describe()
  TrainingRecord record;
  std::optional<TrainingFailure> failure;
  std::optional<TrainingSummary> summary;
  std::optional<Evaluation> evaluation;
};

/// The capacity factors at which a run reports held-out drops unless told otherwise:
/// 1, 1.25, 1.5, 2.
const std::vector<Decimal>& default_capacity_factors();

/// What a trainer whose advance() returned false came to: evaluates it, unless it failed.
TrainingRun finish(Trainer& trainer,
                   const std::vector<Decimal>& capacity_factors = default_capacity_factors());

/// Trains to the end and finishes.
/// @param progress called after each step, may be empty
TrainingRun train(const TrainConfig& config,
                  const std::vector<Decimal>& capacity_factors = default_capacity_factors(),
                  const std::function<void(const StepMeasures&)>& progress = {});

}  // namespace hotexpert::training
