#include "sim/traces/batch_walk.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace hotexpert {

void for_each_batch(const RoutingTrace& trace, int threads,
                    const std::function<void(const RoutingBatch&)>& visit) {
  const std::int64_t layers = trace.info().layers;
  const std::int64_t count = trace.info().steps * layers;
  std::atomic<std::int64_t> next = 0;
  // Batches are handed out in order, so all before the first that fails are read to the end: which
  // error is reported does not depend on timing.
  std::mutex mutex;
  std::int64_t failed_at = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr failure;
  std::atomic<bool> stop = false;
  const auto work = [&] {
    BatchBuffer buffer;
    while (!stop) {
      const std::int64_t index = next++;
      if (index >= count) return;
      try {
        visit(trace.read(index / layers, static_cast<int>(index % layers), buffer));
      } catch (...) {
        const std::scoped_lock lock(mutex);
        stop = true;
        if (index < failed_at) {
          failed_at = index;
          failure = std::current_exception();
        }
      }
    }
  };
  std::vector<std::thread> others;
  for (std::int64_t i = 1; i < std::min<std::int64_t>(threads, count); ++i) {
    others.emplace_back(work);
  }
  work();
  for (auto& thread : others) thread.join();
  if (failure) std::rethrow_exception(failure);
}

LoadMatrix count_loads(const RoutingTrace& trace, int threads) {
  const auto& info = trace.info();
  LoadMatrix loads(info.steps, info.layers, info.num_experts);
  for_each_batch(trace, threads, [&](const RoutingBatch& batch) {
    count_load(batch, loads.at(batch.step, batch.layer));
  });
  return loads;
}

}  // namespace hotexpert
