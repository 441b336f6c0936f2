#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/decimal.hpp"
#include "sim/core/routing_batch.hpp"
#include "sim/training/lab_model.hpp"
#include "sim/training/trained_trace.hpp"

namespace hotexpert::training {

/// Dropped share of assignments at one capacity factor, Megatron-Core's rule over a batch.
struct DropShare {
  Decimal factor;
  double fraction = 0;
};

/// A trained block on held-out batches: no noise, no capacity, parameters as they are.
struct Evaluation {
  double task_loss = 0;       ///< mean over batches: train.task_loss
  double max_over_mean = 1;   ///< of each batch, then the mean
  double max_vio_global = 0;  ///< MaxVio of the loads summed over batches
  LoadMatrix load;            ///< [batches, 1, E]
  std::vector<DropShare> drops;

  /// Mutual information of expert and token class, nats: sum p(e, c) ln(p(e, c) / (p(e) p(c))) over
  /// assignments. 0 = routing ignores the class; at most the entropy of the classes.
  double specialization_mi = 0;
  double class_entropy = 0;                ///< nats, of the same assignments: the ceiling
  int num_classes = 0;                     ///< clusters, or byte classes
  std::vector<std::int64_t> class_counts;  ///< [E, classes] assignments
  /// Cosine of two experts' outputs for the same token, mean over pairs and up to 256 tokens: 1 =
  /// all experts are one. 0 for a single expert.
  double output_similarity = 0;

  std::shared_ptr<const TrainedTrace> trace;  ///< the same batches' routing
};

/// Runs config.evaluation_batches held-out batches. @param factors for `drops`
Evaluation evaluate(LabModel<float>& model, const std::vector<Decimal>& factors);

/// Mutual information, nats, of the joint counts [rows, columns]; 0 without counts.
double mutual_information(const std::vector<std::int64_t>& counts, std::int64_t columns);

}  // namespace hotexpert::training
