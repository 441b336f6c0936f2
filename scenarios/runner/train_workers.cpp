#include "scenarios/runner/train_workers.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "scenarios/runner/train_checkpoint.hpp"

namespace hotexpert {
namespace {

using std::chrono::steady_clock;

constexpr auto kCheckpointEvery = std::chrono::seconds(10);

std::string point_name(const TrainSpec& spec) {
  std::string method;
  std::string weight;
  for (const auto& [axis, value] : spec.point) {
    if (axis == "train.method") method = value.as_string();
    if (axis == "train.weight" && value.is_number()) weight = " " + value.dump();
  }
  return fmt::format("{}{}, seed {}", method, weight, spec.config.seed);
}

}  // namespace

TrainWorkers::TrainWorkers(const std::vector<TrainSpec>& specs, std::vector<std::size_t> todo,
                           std::string run_dir, int threads, TimingGate& gate)
    : specs_(specs), todo_(std::move(todo)), run_dir_(std::move(run_dir)), gate_(gate) {
  for (const std::size_t index : todo_) steps_total_ += specs_[index].config.steps;
  const std::size_t count = std::min(todo_.size(), static_cast<std::size_t>(std::max(1, threads)));
  live_.resize(count);
  running_ = static_cast<int>(count);
  for (std::size_t w = 0; w < count; ++w) threads_.emplace_back([this, w] { work(w); });
}

TrainWorkers::~TrainWorkers() {
  stop();
  for (auto& thread : threads_) thread.join();
}

std::optional<TrainedPoint> TrainWorkers::next(double seconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                    [this] { return !trained_.empty() || running_ == 0; });
  if (trained_.empty()) {
    if (failure_ && running_ == 0) std::rethrow_exception(failure_);
    return std::nullopt;
  }
  TrainedPoint point = std::move(trained_.front());
  trained_.erase(trained_.begin());
  return point;
}

bool TrainWorkers::over() {
  const std::lock_guard lock(mutex_);
  return running_ == 0 && trained_.empty() && !failure_;
}

double TrainWorkers::share() const {
  return steps_total_ > 0
             ? static_cast<double>(steps_done_.load()) / static_cast<double>(steps_total_)
             : 1;
}

std::string TrainWorkers::latest() {
  const std::lock_guard lock(mutex_);
  return latest_worker_ < live_.size() ? live_[latest_worker_] : "";
}

void TrainWorkers::work(std::size_t worker) {
  try {
    TimingGate::Worker stay(gate_);
    for (std::size_t i = taken_++; i < todo_.size() && !stop_; i = taken_++) {
      TrainedPoint point;
      if (!train_point(todo_[i], worker, stay, point)) break;
      const std::lock_guard lock(mutex_);
      trained_.push_back(std::move(point));
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
  }
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool TrainWorkers::train_point(std::size_t index, std::size_t worker, TimingGate::Worker& stay,
                               TrainedPoint& point) {
  const TrainSpec& spec = specs_[index];
  const TrainCheckpoint checkpoint(run_dir_, spec.point);
  training::Trainer trainer(spec.config);
  point.index = index;
  point.warning = checkpoint.restore(trainer);
  steps_done_ += trainer.record().size();
  auto saved = steady_clock::now();
  while (trainer.advance()) {
    ++steps_done_;
    publish(worker, spec, trainer.record().steps.back());
    if (stop_ || steady_clock::now() - saved > kCheckpointEvery) {
      checkpoint.save(trainer);
      saved = steady_clock::now();
    }
    if (stop_) return false;
    stay.pause();
  }
  steps_done_ += spec.config.steps - trainer.record().size();  // of a run that diverged
  point.run = training::finish(trainer);
  return true;
}

void TrainWorkers::publish(std::size_t worker, const TrainSpec& spec,
                           const training::StepMeasures& step) {
  const std::lock_guard lock(mutex_);
  latest_worker_ = worker;
  live_[worker] = fmt::format("{}: step {}/{}, loss {:.3g}, MaxVio {:.2f}, {} dead",
                              point_name(spec), step.step + 1, spec.config.steps, step.task_loss,
                              step.max_over_mean - 1, step.idle_experts);
}

}  // namespace hotexpert
