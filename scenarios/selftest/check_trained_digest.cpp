#include <fmt/format.h>

#include <array>
#include <memory>

#include "scenarios/runner/parallel.hpp"
#include "scenarios/selftest/digest.hpp"
#include "scenarios/selftest/self_check.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert {
namespace {

using training::TrainConfig;
using training::Trainer;

constexpr std::int64_t kSteps = 40;
constexpr std::int64_t kStop = 17;
/// Found with g++ 12 -O3.
constexpr double kTrainedTaskLoss = 0.309387867;
constexpr double kTrainedTolerance = 1e-3;

/// Three small labs; between builds only the order of float sums differs.
std::array<TrainConfig, 3> configs() {
  std::array<TrainConfig, 3> all;
  constexpr std::array kMethods = {"none", "switch", "bias"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& config = all[i];
    config.task = "clusters:groups=16";
    config.method = kMethods[i];
    config.num_experts = 8;
    config.d_model = 16;
    config.d_ff = 32;
    config.tokens = 128;
    config.micro_batches = 2;
    config.sequence_tokens = 16;
    config.steps = kSteps;
    config.seed = 5;
  }
  return all;
}

struct Trained {
  std::uint64_t digest = 0;
  double task_loss = 0;  ///< mean of the last steps
};

/// Weights, optimiser and record of all three, trained on up to `threads` threads.
/// @param resumed each is stopped, written to a checkpoint and gone on with by a new trainer
Trained train_all(int threads, bool resumed) {
  const auto all = configs();
  std::array<std::unique_ptr<Trainer>, 3> trainers;
  parallel_for(std::ssize(all), threads, [&](int, std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    trainers[at] = std::make_unique<Trainer>(all[at]);
    for (std::int64_t step = 0; step < kSteps; ++step) {
      if (resumed && step == kStop) {
        const auto bytes = trainers[at]->checkpoint();
        trainers[at] = std::make_unique<Trainer>(all[at]);
        trainers[at]->restore(bytes);
      }
      trainers[at]->advance();
    }
  });
  Digest digest;
  Trained trained;
  for (auto& trainer : trainers) {
    const auto bytes = trainer->checkpoint();
    digest.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    trained.task_loss += trainer->record().steps.back().task_loss / 3;
  }
  trained.digest = digest.value();
  return trained;
}

}  // namespace

std::vector<SelfCheckAnswer> check_trained_digest() {
  const Trained one = train_all(1, false);
  std::vector<SelfCheckAnswer> answers;
  const auto add = [&](std::string what, const Trained& trained) {
    answers.push_back({.what = std::move(what),
                       .found = trained.digest == one.digest ? 1.0 : 0.0,
                       .expected = 1,
                       .note = fmt::format("{:016x}, on this build and machine", trained.digest)});
  };
  for (const int threads : {1, 2, 3})
    add(fmt::format("3 trained routers on {} threads", threads),
        threads == 1 ? one : train_all(threads, false));
  add(fmt::format("the same, resumed from checkpoints of step {}", kStop), train_all(1, true));
  answers.push_back({.what = fmt::format("mean task loss after {} steps, any build", kSteps),
                     .found = one.task_loss,
                     .expected = kTrainedTaskLoss,
                     .tolerance = kTrainedTolerance * kTrainedTaskLoss,
                     .note = "builds differ in the order of float sums, which training amplifies"});
  return answers;
}

}  // namespace hotexpert
