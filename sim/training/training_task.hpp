#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/params.hpp"
#include "sim/training/matrix.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// Training steps and held-out batches never share a token's random numbers (clusters) or text
/// (text).
enum class Split : std::uint8_t { kTrain, kEvaluation };

/// The tokens of one step, in sequence order. Which members are filled is the task's own business.
template <class Scalar>
struct TaskBatch {
  std::int64_t tokens = 0;
  std::vector<std::int32_t> token_class;  ///< [T] cluster, or byte class: ground truth of the data
  Matrix<Scalar> features;                ///< [T, d_model]
  Matrix<Scalar> target;                  ///< [T, d_model]
  std::vector<std::uint8_t> context;      ///< [T, context] bytes, newest first
  std::vector<std::uint8_t> target_byte;  ///< [T]
};

/// What the block learns: where its inputs come from and what its outputs cost.
/// hidden = embed(batch); output = hidden + experts(hidden); loss(batch, output).
template <class Scalar>
class TrainingTask {
 public:
  virtual ~TrainingTask() = default;
  [[nodiscard]] virtual int num_classes() const = 0;
  /// Fills `batch` with the tokens of a step; equal arguments give equal tokens.
  virtual void draw(Split split, std::uint32_t step, TaskBatch<Scalar>& batch) const = 0;
  /// Writes the block's input [T, d_model].
  virtual void embed(const TaskBatch<Scalar>& batch, Matrix<Scalar>& hidden) const = 0;
  /// The mean loss over tokens. Writes each token's own loss, and where `output_gradient` is given
  /// the gradient with respect to `output` [T, d_model]; then also adds to the task's own gradient.
  virtual double loss(const TaskBatch<Scalar>& batch, const Matrix<Scalar>& output,
                      std::span<double> token_loss, Matrix<Scalar>* output_gradient) = 0;
  /// Adds the gradient of the task's own parameters, given that of the block's input.
  virtual void embed_backward(const TaskBatch<Scalar>& batch,
                              const Matrix<Scalar>& hidden_gradient) = 0;
  /// False where embed() has no parameters: the block then skips the gradient of its input.
  [[nodiscard]] virtual bool trains_embedding() const = 0;
  /// The task's own trainable parameters; may be empty.
  virtual ParameterBlock<Scalar>& parameters() = 0;
};

/// One member of the family of training tasks.
struct TrainingTaskRow {
  std::string_view name;
  std::string_view summary;
  std::string_view loss_unit;  ///< what one unit of its task loss is
  std::span<const ParamSpec> params;
  std::unique_ptr<TrainingTask<float>> (*make_float)(const NamedChoice&, const TrainConfig&);
  std::unique_ptr<TrainingTask<double>> (*make_double)(const NamedChoice&, const TrainConfig&);
};

/// Every training task.
std::span<const TrainingTaskRow> training_tasks();

/// The task `config.task` names, e.g. "clusters:noise=0.3".
/// @throws UsageError for an unknown task or parameter   @throws InputError for a bad corpus
template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_training_task(const TrainConfig& config);

}  // namespace hotexpert::training
