#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace hotexpert {

/// Calls body(worker, i) for every i in [0, count) on up to `threads` threads. Items are taken one
/// by one, so results must be written to places of their own. The first exception is rethrown after
/// all threads ended.
template <class Body>
void parallel_for(std::int64_t count, int threads, const Body& body) {
  const auto workers = static_cast<int>(std::clamp<std::int64_t>(count, 1, std::max(1, threads)));
  std::atomic<std::int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&](int worker) {
    try {
      for (std::int64_t i = next++; i < count; i = next++) body(worker, i);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> pool;
  for (int w = 1; w < workers; ++w) pool.emplace_back(work, w);
  work(0);
  for (auto& thread : pool) thread.join();
  if (failure) std::rethrow_exception(failure);
}

/// Threads the machine offers this process, at least 1.
int available_threads();

}  // namespace hotexpert
