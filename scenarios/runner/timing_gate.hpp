#pragma once

#include <condition_variable>
#include <mutex>

namespace hotexpert {

/// Lets many threads work and one thread time: while the timer is inside, every worker waits at its
/// next pause. Waiting sleeps, so that what is timed has the machine to itself.
class TimingGate {
 public:
  /// A worker's stay; it begins and ends with the object.
  class Worker {
   public:
    explicit Worker(TimingGate& gate) : gate_(gate) { gate_.enter(); }
    ~Worker() { gate_.leave(); }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    /// Lets a waiting timer in, and returns when it has left. Cheap when there is none.
    void pause() {
      gate_.leave();
      gate_.enter();
    }

   private:
    TimingGate& gate_;
  };

  /// The timer's stay: waits until every worker pauses or has left.
  class Timer {
   public:
    explicit Timer(TimingGate& gate) : gate_(gate) {
      std::unique_lock lock(gate_.mutex_);
      gate_.closed_ = true;
      gate_.changed_.wait(lock, [this] { return gate_.workers_ == 0; });
    }
    ~Timer() {
      const std::lock_guard lock(gate_.mutex_);
      gate_.closed_ = false;
      gate_.changed_.notify_all();
    }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    TimingGate& gate_;
  };

 private:
  void enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !closed_; });
    ++workers_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --workers_;
    if (closed_) changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int workers_ = 0;
  bool closed_ = false;
};

}  // namespace hotexpert
