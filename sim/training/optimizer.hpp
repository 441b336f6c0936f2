#pragma once

#include <cstdint>
#include <vector>

#include "sim/training/matrix.hpp"
#include "sim/training/train_config.hpp"

namespace hotexpert::training {

/// SGD with momentum or AdamW over a fixed list of parameter blocks.
template <class Scalar>
class Optimizer {
 public:
  explicit Optimizer(const OptimizerConfig& config) : config_(config) {}

  /// Moves every block against its gradient. The list must be the same at every call.
  void step(const std::vector<ParameterBlock<Scalar>*>& blocks);

  /// Makes the moments of `blocks`, all zero. step() does so where it has not been done.
  void allocate(const std::vector<ParameterBlock<Scalar>*>& blocks);

  /// First moments (sgd: velocity) and second moments (sgd: empty) of each block, for checkpoints.
  std::vector<AlignedVector<Scalar>>& first_moments() { return first_; }
  std::vector<AlignedVector<Scalar>>& second_moments() { return second_; }
  std::int64_t& steps_taken() { return steps_; }

 private:
  OptimizerConfig config_;
  std::int64_t steps_ = 0;
  std::vector<AlignedVector<Scalar>> first_;
  std::vector<AlignedVector<Scalar>> second_;
};

}  // namespace hotexpert::training
