#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

namespace hotexpert {

/// Runs body(task, thread) for every task in [0, count) on `threads` OpenMP threads. Free threads
/// take the next task in order, so put long tasks first. Tasks must not depend on each other, and
/// their results not on who runs them.
/// Libraries called from a body stay on their thread. The first exception is thrown again here.
/// @param threads >= 1; `thread` is in [0, threads)
template <class Body>
void parallel_tasks(int threads, std::int64_t count, const Body& body) {
  std::atomic<std::int64_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto team =
      static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>(threads, count)));
#pragma omp parallel num_threads(team) if (team > 1)
  {
    omp_set_num_threads(1);  // this thread's own setting: nested libraries must not fan out
    const int thread = omp_get_thread_num();
    try {
      for (auto task = next.fetch_add(1, std::memory_order_relaxed); task < count;
           task = next.fetch_add(1, std::memory_order_relaxed)) {
        body(task, thread);
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
      next.store(count, std::memory_order_relaxed);
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Runs body(begin, end) on one contiguous share of [0, count) a thread: for equal, small items.
template <class Body>
void parallel_ranges(int threads, std::int64_t count, const Body& body) {
  parallel_tasks(threads, threads, [&](std::int64_t share, int) {
    body(count * share / threads, count * (share + 1) / threads);
  });
}

}  // namespace hotexpert
