#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "scenarios/runner/timing_gate.hpp"
#include "scenarios/runner/train_spec.hpp"
#include "sim/training/trainer.hpp"

namespace hotexpert {

/// A point whose training is over.
struct TrainedPoint {
  std::size_t index = 0;  ///< of its spec
  training::TrainingRun run;
  std::string warning;  ///< of the checkpoint it was to go on from, or empty
};

/// Threads that train points, each one point at a time, from a list.
class TrainWorkers {
 public:
  /// Starts training. The specs must outlive the object.
  /// @param todo indices into `specs`, in the order they are taken
  TrainWorkers(const std::vector<TrainSpec>& specs, std::vector<std::size_t> todo,
               std::string run_dir, int threads, TimingGate& gate);
  /// Stops, if it is not over.
  ~TrainWorkers();
  TrainWorkers(const TrainWorkers&) = delete;
  TrainWorkers& operator=(const TrainWorkers&) = delete;

  /// Waits up to `seconds` for a trained point. Once no other one is left, rethrows what a thread
  /// threw.
  std::optional<TrainedPoint> next(double seconds);
  /// True when no thread runs and no trained point waits.
  [[nodiscard]] bool over();
  /// Every thread writes a checkpoint after its step and ends.
  void stop() { stop_ = true; }

  [[nodiscard]] double share() const;  ///< of this sitting's steps that are done
  [[nodiscard]] std::string latest();  ///< the last step of any point, in words

 private:
  void work(std::size_t worker);
  /// @return false where it was stopped, with a checkpoint left behind
  bool train_point(std::size_t index, std::size_t worker, TimingGate::Worker& stay,
                   TrainedPoint& point);
  void publish(std::size_t worker, const TrainSpec& spec, const training::StepMeasures& step);

  const std::vector<TrainSpec>& specs_;
  std::vector<std::size_t> todo_;
  std::string run_dir_;
  TimingGate& gate_;
  std::atomic<std::size_t> taken_{0};
  std::atomic<std::int64_t> steps_done_{0};
  std::int64_t steps_total_ = 0;
  std::atomic<bool> stop_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TrainedPoint> trained_;
  std::vector<std::string> live_;  ///< [workers]
  std::size_t latest_worker_ = 0;
  int running_ = 0;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace hotexpert
