#include "sim/training/training_task.hpp"

#include <array>
#include <type_traits>

#include "sim/base/registry.hpp"
#include "sim/training/tasks/clusters_task.hpp"
#include "sim/training/tasks/text_task.hpp"

namespace hotexpert::training {
namespace {

constexpr std::array kTasks = {
    TrainingTaskRow{"clusters", "Gaussian clusters with Zipf popularity, each with its own target",
                    "fraction of target variance", kClustersParams, &make_clusters_task<float>,
                    &make_clusters_task<double>},
    TrainingTaskRow{"text", "next-byte prediction on a text file", "nats per byte", kTextParams,
                    &make_text_task<float>, &make_text_task<double>},
};

}  // namespace

std::span<const TrainingTaskRow> training_tasks() { return kTasks; }

template <class Scalar>
std::unique_ptr<TrainingTask<Scalar>> make_training_task(const TrainConfig& config) {
  const auto& row = find_row(kTasks, "training task", choice_name(config.task));
  const auto choice = NamedChoice::parse(config.task, row.params, "training task");
  if constexpr (std::is_same_v<Scalar, float>) {
    return row.make_float(choice, config);
  } else {
    return row.make_double(choice, config);
  }
}

template std::unique_ptr<TrainingTask<float>> make_training_task(const TrainConfig&);
template std::unique_ptr<TrainingTask<double>> make_training_task(const TrainConfig&);

}  // namespace hotexpert::training
